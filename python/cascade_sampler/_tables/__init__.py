"""Tables of any library: their rows, the labels of their keys and their times, as the core takes them."""
