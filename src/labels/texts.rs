//! Texts in the order of their bytes, which for UTF-8 is that of their letters.

use crate::columns::digits::SHORT;
use crate::error::Error;
use crate::labels::Numbered;
use crate::labels::order::{Sorter, in_turn, numbered};
use crate::support::memory::{push, room};
use crate::support::pauses::Pauses;

/// Texts one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    bytes: &'a [u8],
    bounds: &'a [u64],
}

/// Bytes that are compared at a time.
const WORD: usize = 8;

impl<'a> Texts<'a> {
    /// Text `i` is the bytes from `bounds[i]` to `bounds[i + 1]`. None where these do not ascend, or go beyond the bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8], bounds: &'a [u64]) -> Option<Self> {
        let within = bounds.last().is_some_and(|&end| end <= bytes.len() as u64);
        (within && bounds.is_sorted()).then_some(Self { bytes, bounds })
    }

    fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    fn of(&self, place: u32) -> &'a [u8] {
        let place = place as usize;
        &self.bytes[self.bounds[place] as usize..self.bounds[place + 1] as usize]
    }

    /// The bytes from `depth` on as a number, the first the most significant; zeros stand for what a text has not.
    fn word(&self, place: u32, depth: usize) -> u64 {
        let text = self.of(place);
        let rest = text.get(depth..).unwrap_or_default();
        if let Some(word) = rest.first_chunk::<WORD>() {
            return u64::from_be_bytes(*word);
        }
        let mut word = [0; WORD];
        word[..rest.len()].copy_from_slice(rest);
        u64::from_be_bytes(word)
    }

    /// How many bytes the texts at some places share from `depth` on.
    fn shared(&self, places: &[u32], depth: usize) -> usize {
        let Some((&first, others)) = places.split_first() else {
            return 0;
        };
        let mut common = self.of(first).get(depth..).unwrap_or_default();
        for &place in others {
            let rest = self.of(place).get(depth..).unwrap_or_default();
            if !rest.starts_with(common) {
                let same = common.iter().zip(rest).take_while(|(a, b)| a == b).count();
                common = &common[..same];
            }
            if common.is_empty() {
                break;
            }
        }
        common.len()
    }
}

/// Numbers texts in ascending order. `pause` is called every few milliseconds; its error ends the work.
///
/// # Errors
/// [`Error::TooManyRows`], [`Error::OutOfMemory`], or what `pause` returns.
pub fn number_texts_with_pause<E: From<Error>>(
    texts: &Texts<'_>,
    mut pause: impl FnMut() -> Result<(), E>,
) -> Result<Numbered, E> {
    let pauses = &mut Pauses::new(&mut pause);
    let count = texts.len();
    let mut order = in_turn(count, pauses)?;
    let mut first = pauses.filled(count, false)?;
    let mut sorter = Sorter::new(count, pauses)?;
    // Stretches of texts that are alike up to a depth. Only those that are still tied are looked at again.
    let mut tied = Vec::new();
    push(&mut tied, (0, count, 0))?;
    while let Some((start, end, depth)) = tied.pop() {
        let (places, first) = (&mut order[start..end], &mut first[start..end]);
        if places.len() <= SHORT {
            by_comparison(texts, places, first, depth);
            pauses.after(places.len())?;
            continue;
        }
        let depth = depth + texts.shared(places, depth);
        sorter.sort(places, |place| texts.word(place, depth), pauses)?;
        let mut begin = 0;
        for run in sorter.keys().chunk_by(|a, b| a == b) {
            let stop = begin + run.len();
            first[begin] = true;
            if run.len() > 1 && !by_length(texts, &mut places[begin..stop], &mut first[begin..stop], depth) {
                push(&mut tied, (start + begin, start + stop, depth + WORD))?;
            }
            begin = stop;
        }
        pauses.after(places.len())?;
    }
    numbered(&order, &first, pauses)
}

fn by_comparison(texts: &Texts<'_>, places: &mut [u32], first: &mut [bool], depth: usize) {
    let rest = |place: u32| texts.of(place).get(depth..).unwrap_or_default();
    let length = |place: u32| texts.of(place).len();
    // Texts shorter than `depth` are alike but for the zeros that the others end with.
    places.sort_unstable_by(|&a, &b| {
        rest(a)
            .cmp(rest(b))
            .then_with(|| length(a).cmp(&length(b)))
            .then_with(|| a.cmp(&b))
    });
    if let Some(first) = first.first_mut() {
        *first = true;
    }
    for (first, pair) in first.iter_mut().skip(1).zip(places.windows(2)) {
        *first = rest(pair[0]) != rest(pair[1]) || length(pair[0]) != length(pair[1]);
    }
}

/// Where all texts have ended within the word at `depth`, sorts them by length, which is all that they differ in: what a
/// shorter one lacks are zeros. Says whether they have.
fn by_length(texts: &Texts<'_>, places: &mut [u32], first: &mut [bool], depth: usize) -> bool {
    let length = |place: u32| texts.of(place).len();
    let (mut least, mut most) = (usize::MAX, 0);
    for &place in &*places {
        least = least.min(length(place));
        most = most.max(length(place));
    }
    if most > depth + WORD {
        return false;
    }
    if least < most {
        places.sort_unstable_by_key(|&place| (length(place), place));
        for (first, pair) in first.iter_mut().skip(1).zip(places.windows(2)) {
            *first = length(pair[0]) != length(pair[1]);
        }
    }
    true
}

/// Copies the texts at some places, one behind the other: their bytes, and where each begins and the last ends.
///
/// # Errors
/// [`Error::Code`] for a place without a text; [`Error::OutOfMemory`], or what `pause` returns.
pub fn take_texts_with_pause<E: From<Error>>(
    texts: &Texts<'_>,
    places: &[u32],
    mut pause: impl FnMut() -> Result<(), E>,
) -> Result<(Vec<u8>, Vec<u64>), E> {
    let pauses = &mut Pauses::new(&mut pause);
    let mut bounds = room(places.len() + 1)?;
    let mut end = 0;
    bounds.push(end);
    for &place in places {
        if place as usize >= texts.len() {
            return Err(Error::Code.into());
        }
        end += texts.of(place).len() as u64;
        bounds.push(end);
    }
    pauses.after(places.len())?;
    let mut bytes = room(usize::try_from(end).map_err(|_| Error::OutOfMemory { bytes: end.into() })?)?;
    for places in places.chunks(1 << 14) {
        for &place in places {
            bytes.extend_from_slice(texts.of(place));
        }
        pauses.after(places.len())?;
    }
    Ok((bytes, bounds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::memory::testing::refuse_in_turn;

    fn joined(texts: &[Vec<u8>]) -> (Vec<u8>, Vec<u64>) {
        let mut bounds = vec![0];
        for text in texts {
            bounds.push(bounds.last().unwrap() + text.len() as u64);
        }
        (texts.concat(), bounds)
    }

    fn check(texts: &[Vec<u8>]) {
        let (bytes, bounds) = joined(texts);
        let joined_texts = Texts::new(&bytes, &bounds).unwrap();
        let found = number_texts_with_pause(&joined_texts, || Ok::<_, Error>(())).unwrap();
        let mut distinct = texts.to_vec();
        distinct.sort();
        distinct.dedup();
        let (copied, of_copied) = take_texts_with_pause(&joined_texts, &found.places, || Ok::<_, Error>(())).unwrap();
        assert_eq!((copied, of_copied), joined(&distinct));
        for (text, &number) in texts.iter().zip(&found.numbers) {
            assert_eq!(&distinct[number as usize], text);
        }
        for &place in &found.places {
            let first = texts.iter().position(|text| *text == texts[place as usize]);
            assert_eq!(first, Some(place as usize));
        }
    }

    fn many(of: impl Fn(usize) -> Vec<u8>) -> Vec<Vec<u8>> {
        (0..4_000).map(|place| of(place * 7_919 % 4_000)).collect()
    }

    #[test]
    fn texts_in_order_of_their_bytes() {
        check(&[]);
        check(&[vec![]]);
        check(&[
            b"b".to_vec(),
            b"a".to_vec(),
            b"b".to_vec(),
            vec![],
            b"a\0".to_vec(),
            b"a\0\0".to_vec(),
        ]);
        check(&many(|place| format!("plate_{place:05}").into_bytes()));
        check(&many(|place| {
            format!("a long beginning that all have in common, and then {}", place % 1_500).into_bytes()
        }));
        check(&many(|place| {
            format!("{}é{}", "x".repeat(place % 30), place % 7).into_bytes()
        }));
        check(&many(|_| b"one and the same text".to_vec()));
        check(&many(|place| vec![0xFF; place % 3]));
    }

    #[test]
    fn zeros_are_letters() {
        check(&many(|place| vec![0; place % 40]));
        check(&many(|place| {
            [b"A".to_vec(), vec![0; place % 40], b"B".repeat(place / 40 % 3)].concat()
        }));
        check(&many(|place| [b"12345678".to_vec(), vec![0; place % 20]].concat()));
    }

    #[test]
    fn bounds_that_are_none() {
        assert!(Texts::new(b"abc", &[]).is_none());
        assert!(Texts::new(b"abc", &[0, 4]).is_none());
        assert!(Texts::new(b"abc", &[2, 1, 3]).is_none());
        let texts = Texts::new(b"abc", &[1, 2, 3]).unwrap();
        assert_eq!(
            take_texts_with_pause(&texts, &[2], || Ok::<_, Error>(())),
            Err(Error::Code)
        );
    }

    #[test]
    fn memory_may_run_out() {
        let (bytes, bounds) = joined(&many(|place| format!("{}", place % 50).into_bytes()));
        let texts = Texts::new(&bytes, &bounds).unwrap();
        assert!(refuse_in_turn(|| number_texts_with_pause(&texts, || Ok(()))) > 5);
        assert!(refuse_in_turn(|| take_texts_with_pause(&texts, &[1, 2], || Ok(()))) >= 2);
    }
}
