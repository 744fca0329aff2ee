//! One dealt batch (specification of the dealt cascade, section 3).

use crate::decks::{Deck, Keys, Purpose, first_place, onto, word};
use crate::draw::{Generator, sample};
use crate::error::Error;
use crate::groups::Pool;
use crate::near::Focus;
use crate::plan::{Dealt, Hand, Pass, Plan, Seats, Sharing, Turn};
use crate::support::memory::prefetch;

use super::draft::{Draft, Segment, Source, Supply};
use super::lanes::Lanes;
use super::scratch::{Number, Scratch, Sharer};

/// The word of a cell's key by which its runs are moved against the list: one behind those that shuffle.
const OFFSET: u64 = 64;

/// What one batch is dealt from.
struct Dealer<'a> {
    plan: &'a Plan,
    dealt: &'a Dealt,
    keys: Keys,
    turn: Turn,
    generator: Generator,
}

/// Deals the global batch at `position` into `draft`.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn deal_batch(
    plan: &Plan,
    dealt: &Dealt,
    pass: &Pass,
    position: u64,
    draft: &mut Draft,
) -> Result<(), Error> {
    let most = dealt.most_shares();
    draft.reserve(plan, plan.batch_size(), 2 * most + 1)?;
    let mut scratch = draft.take_scratch();
    scratch.reserve(most, plan.batch_size())?;
    let (position, turn) = dealt.turn(pass, position);
    let mut dealer = Dealer {
        plan,
        dealt,
        keys: pass.keys,
        turn,
        generator: pass.keys.generator(pass.epoch(), position),
    };
    let groups = plan.groups();
    let mut lanes = Lanes::new(groups.entries(groups.pool_order()));
    dealer.primary(draft, &mut scratch, &mut lanes);
    dealer.leak(draft, &mut lanes);
    lanes.finish(draft.all_positions());
    draft.pick(turn.experiment);
    draft.give_scratch(scratch);
    Ok(())
}

impl Dealer<'_> {
    fn primary(&mut self, draft: &mut Draft, scratch: &mut Scratch, lanes: &mut Lanes<'_>) {
        let place = self.plan.focus().map(|focus| {
            let place = self.generator.below(focus.times_of(self.turn.experiment));
            draft.focus_on(place);
            (focus, place)
        });
        self.share(draft, scratch);
        if let Some((focus, place)) = place {
            self.focused(focus, place, draft, scratch);
            return;
        }
        let Scratch { sharers, order } = scratch;
        let mut start = 0;
        for sharer in &*sharers {
            self.deal_cell(sharer, start, draft, order, lanes);
            start += sharer.seats as usize;
        }
    }

    /// Finds out who shares the batch, and how many seats each has.
    fn share(&mut self, draft: &mut Draft, scratch: &mut Scratch) {
        let experiment = self.turn.experiment;
        let Some(conditions) = self.dealt.shares() else {
            scratch.sharers.push(Sharer {
                cell: experiment as u32,
                deal: Some(Number {
                    number: self.turn.deal,
                    fixed: true,
                }),
                seats: self.dealt.primary(),
                held: self.dealt.primary(),
                rest: 0.0,
            });
            return;
        };
        let sharing = conditions.sharing(experiment);
        let sharers = &mut scratch.sharers;
        let fixed = Some(Number {
            number: self.turn.deal,
            fixed: true,
        });
        sharers.extend(conditions.fixed(sharing).iter().map(|&cell| Sharer {
            cell,
            deal: fixed,
            ..Sharer::default()
        }));
        if sharing.dealt > 0 {
            let (lap, number) = sharing.laps.of(self.turn.deal);
            let others = conditions.others(sharing);
            let each = sharing.dealt;
            let first = u64::from(each) * number;
            let cards = &mut scratch.order[..each as usize];
            let deck = Deck::of(sharing.deck, self.keys.key(Purpose::Conditions, experiment as u64, lap));
            deck.deal(first_place(others.len() as u32, each, number), cards);
            for (place, &card) in (first..).zip(&*cards) {
                // What fills up the last deal of a lap was dealt from in this lap already.
                let is_first = place < others.len() as u64;
                let cell = others[card as usize];
                self.dealt.prefetch(self.plan.groups(), cell);
                sharers.push(Sharer {
                    cell,
                    deal: is_first.then_some(Number {
                        number: lap,
                        fixed: false,
                    }),
                    ..Sharer::default()
                });
            }
            sharers.sort_unstable_by_key(|sharer| sharer.cell);
        }
        let mut left = self.dealt.primary();
        let mut last = (0.0, Seats { exact: 0.0, base: 0 });
        for sharer in sharers.iter_mut() {
            let ratio = conditions.ratio_of(self.plan.groups(), sharer.cell);
            // Most have the ratio of the one before.
            if ratio != last.0 {
                last = (ratio, Seats::new(self.dealt.primary(), ratio, sharing.sum));
            }
            let seats = last.1.at_most(left);
            left -= seats.base;
            (sharer.seats, sharer.held, sharer.rest) = (seats.base, seats.held(), seats.rest());
        }
        if left > 0 {
            self.odd_seats(left, sharing, draft, scratch);
        }
    }

    /// Gives out the seats that do not come out even.
    fn odd_seats(&mut self, left: u32, sharing: &Sharing, draft: &mut Draft, scratch: &mut Scratch) {
        let Scratch { sharers, order } = scratch;
        let many = sharers.len();
        if sharing.equal {
            let chosen = &mut order[..left as usize];
            sample(&mut self.generator, many as u32, chosen, draft.slots());
            for &place in &*chosen {
                sharers[place as usize].seats += 1;
            }
            return;
        }
        let order = &mut order[..many];
        sample(&mut self.generator, many as u32, order, draft.slots());
        let up = self.generator.unit();
        let mut all = 0.0;
        for &place in &*order {
            all += sharers[place as usize].rest.max(0.0);
        }
        let (mut sum, mut given) = (0.0, 0);
        for (number, &place) in (1..).zip(&*order) {
            let sharer = &mut sharers[place as usize];
            sum += sharer.rest.max(0.0);
            let reached = if number == many {
                left
            } else {
                // What is not negative is rounded down by the cast.
                (((sum * f64::from(left)) / all + up) as u32).min(left)
            };
            sharer.seats += reached - given;
            given = reached;
        }
    }

    /// The seats of one cell: those that are dealt, then those that are drawn.
    fn deal_cell(
        &mut self,
        sharer: &Sharer,
        start: usize,
        draft: &mut Draft,
        cards: &mut [u32],
        lanes: &mut Lanes<'_>,
    ) {
        if sharer.seats == 0 {
            return;
        }
        let pool = self.pool(sharer.cell);
        let Some(deal) = sharer.deal else {
            let supply = Supply::whole(pool, Source::Primary);
            draft.draw_segment(self.plan, &mut self.generator, &supply, start, sharer.seats as usize);
            return;
        };
        let other;
        let mut hand = self.dealt.hand(sharer.cell);
        if hand.held != sharer.held {
            other = self.dealt.other_hand(pool.len, sharer.held, deal.fixed);
            hand = &other;
        }
        let (lap, number) = if hand.held == 0 {
            (deal.number, 0)
        } else {
            hand.laps.of(deal.number)
        };
        let key = self.keys.key(Purpose::Rows, sharer.cell.into(), lap);
        let runs = Runs::new(hand, key, pool.len, number);
        let seats = sharer.seats.min(hand.held);
        if seats > 0 {
            let positions = draft.segment(dealt(pool, Source::Primary, start, seats));
            if hand.run == 1 && !runs.deck.is_list() {
                let seats = (start, seats as usize);
                lanes.deal((&runs.deck, runs.first), pool, seats, draft.all_positions());
            } else {
                runs.deal(positions, cards);
                ask_for(self.plan.groups().entries(pool.order), pool, positions);
            }
        }
        if sharer.seats > seats {
            let segment = Segment {
                dealt: false,
                population: runs.left() * hand.run,
                ..dealt(pool, Source::Primary, start + seats as usize, sharer.seats - seats)
            };
            for position in draft.segment(segment) {
                *position = if runs.left() > 0 {
                    runs.draw(&mut self.generator)
                } else {
                    self.generator.below(pool.len)
                };
            }
        }
    }

    /// The rows of a cell, or without conditions of an experiment.
    #[inline]
    fn pool(&self, unit: u32) -> Pool {
        let groups = self.plan.groups();
        match self.dealt.shares() {
            Some(_) => groups.pool_of_cell(unit),
            None => groups.pool(unit as usize),
        }
    }

    /// The seats that leak.
    fn leak(&self, draft: &mut Draft, lanes: &mut Lanes<'_>) {
        let experiment = self.turn.experiment;
        let Some(hand) = self.dealt.leak(experiment) else {
            return;
        };
        let (lap, number) = hand.laps.of(self.turn.deal);
        let key = self.keys.key(Purpose::Leak, experiment as u64, lap);
        let pool = self.plan.groups().others(experiment);
        let start = self.dealt.primary() as usize;
        let first = first_place(pool.len, hand.held, number);
        let deck = Deck::of(hand.deck, key);
        let positions = draft.segment(dealt(pool, Source::Leak, start, hand.held));
        if deck.is_list() {
            deck.deal(first, positions);
            ask_for(self.plan.groups().entries(pool.order), pool, positions);
        } else {
            lanes.deal((&deck, first), pool, (start, hand.held as usize), draft.all_positions());
        }
    }

    /// The seats around a focal time, as in drawn batches: all parts near it, then all far from it.
    fn focused(&mut self, focus: &Focus, place: u32, draft: &mut Draft, scratch: &Scratch) {
        let experiment = self.turn.experiment;
        let lists = scratch.sharers.len();
        let window = self.plan.window();
        let near = focus.near_in_lists((experiment, place), window, lists, draft.spans_mut(), || ());
        let first = match self.dealt.shares() {
            Some(_) => self.plan.groups().first_cell_of(experiment),
            None => experiment as u32,
        };
        let far_fraction = self.dealt.settings().global_fraction;
        let mut start = 0;
        for inside in [true, false] {
            let (mut sum, mut far_before) = (0.0, 0);
            for sharer in &scratch.sharers {
                sum += f64::from(sharer.seats);
                let far_sum = (sum * far_fraction) as u32;
                let far = (far_sum - far_before).min(sharer.seats);
                far_before = far_sum;
                let seats = if inside { sharer.seats - far } else { far };
                if seats > 0 {
                    let part = focus.part(sharer.cell, sharer.cell - first, &near, draft.spans(), inside);
                    let supply = Supply::part(self.pool(sharer.cell), part);
                    draft.draw_segment(self.plan, &mut self.generator, &supply, start, seats as usize);
                    start += seats as usize;
                }
            }
        }
    }
}

/// Asks for the rows at some positions of a pool.
#[inline]
fn ask_for(entries: Option<&[u32]>, pool: Pool, positions: &[u32]) {
    if let Some(entries) = entries {
        for &position in positions {
            prefetch(entries, pool.entry(position) as usize);
        }
    }
}

/// Seats whose rows are dealt from a pool.
fn dealt(pool: Pool, source: Source, start: usize, seats: u32) -> Segment {
    Segment {
        pool,
        source,
        fallback: false,
        dealt: true,
        population: pool.len,
        start,
        end: start + seats as usize,
    }
}

/// The cards of one deal, each a run of neighbouring rows of a cell.
struct Runs<'a> {
    hand: &'a Hand,
    deck: Deck,
    rows: u32,
    /// By how much the runs are moved against the list.
    offset: u32,
    /// Place of the first card.
    first: u32,
}

impl<'a> Runs<'a> {
    #[inline]
    fn new(hand: &'a Hand, key: u64, rows: u32, number: u64) -> Self {
        Self {
            hand,
            deck: Deck::of(hand.deck, key),
            rows,
            offset: if hand.run == 1 {
                0
            } else {
                onto(word(key, OFFSET), rows)
            },
            first: first_place(hand.deck.cards(), hand.cards, number),
        }
    }

    /// Cards that are not in the deal.
    fn left(&self) -> u32 {
        self.hand.deck.cards().saturating_sub(self.hand.cards)
    }

    /// The rows of the cards in turn. `cards` is memory.
    #[inline]
    fn deal(&self, positions: &mut [u32], cards: &mut [u32]) {
        if self.hand.run == 1 {
            self.deck.deal(self.first, positions);
            return;
        }
        let run = self.hand.run as usize;
        let cards = &mut cards[..positions.len().div_ceil(run)];
        self.deck.deal(self.first, cards);
        for (positions, &card) in positions.chunks_mut(run).zip(&*cards) {
            let first = self.row(card, 0);
            let before_end = ((self.rows - first) as usize).min(positions.len());
            let (before, behind) = positions.split_at_mut(before_end);
            (first..).zip(before).for_each(|(row, position)| *position = row);
            (0..).zip(behind).for_each(|(row, position)| *position = row);
        }
    }

    /// A row of a card that is not in the deal.
    fn draw(&self, generator: &mut Generator) -> u32 {
        let behind = u64::from(self.first) + u64::from(self.hand.cards) + u64::from(generator.below(self.left()));
        let card = self.deck.card((behind % u64::from(self.hand.deck.cards())) as u32);
        self.row(card, generator.below(self.hand.run))
    }

    /// A row of a card.
    #[inline]
    fn row(&self, card: u32, number: u32) -> u32 {
        let row = u64::from(self.offset) + u64::from(card) * u64::from(self.hand.run) + u64::from(number);
        let rows = u64::from(self.rows);
        // The runs end where the list does, or before.
        (if row < rows { row } else { row - rows }) as u32
    }
}
