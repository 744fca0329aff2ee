//! The core's batches beside a floor, on the table of `benches/bench.py`, which runs this and asks for round after round.
//!
//! One request a line on the standard input, one line of JSON back:
//! - `plan FOLDER ROWS KEYS BALANCED LEAKY TIMES` plans a case over the columns in a folder; `KEYS` is the number of
//!   columns of the experiment's key, and `TIMES` a column or `none`. Where `BALANCED` is `turns`, there are as many conditions
//!   as give each some 300 rows, of which 32 share a batch; the drawn plan, which cannot do that, has none.
//! - `round SLICES` times everything in turn, in so many slices of a few batches; medians, nanoseconds a batch:
//!   - `batch`, `pass`, `dealt`: a batch, moving past one, a batch of rank 0 of 64;
//!   - `floor`: as many bounded draws by the core's own [`Generator::below`] and as many random gathers from lists of the
//!     same sizes, each asked for as it is drawn, and nothing else;
//!   - `deal`, `deal_64`, `deal_1024`, `deal_far`: a dealt batch of the same table and features, one of rank 0 of 64 and of
//!     1024, and one a million batches on, by itself; not with times, around which nothing is dealt;
//!   - `words`: as many raw words of the generator as a batch takes; `gathers`: the gathers alone.

#[path = "common/mod.rs"]
#[allow(dead_code, reason = "this bench brings its own table")]
mod common;
mod gather;

use std::hint::black_box;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use cascade_sampler::draw::Generator;
use cascade_sampler::plan::Rule;
use cascade_sampler::{Batches, Chunk, Codes, Column, Deal, Mark, Plan, Table, Times};
use common::BATCH;
use gather::{Entries, prefetch};
use rand_pcg::Lcg128Xsl64;
use rand_pcg::rand_core::Rng;

const RANKS: u64 = 64;
/// Batches that are timed together.
const SLICE: usize = 40;
/// Markers, by which a key of two columns is told apart further.
const MARKERS: u8 = 5;
/// Conditions that share a batch where they do so in turn, and about how many rows each has.
const SHARING: usize = common::SHARING as usize;
const ROWS_IN_TURN: usize = 300;

fn main() {
    let mut lines = std::io::stdin().lock().lines().map(|line| line.expect("a request"));
    let mut request = lines.next();
    while let Some(line) = request {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["plan", folder, rows, keys, balanced, leaky, times] = words[..] else {
            // `cargo bench` without the benchmark's program has nothing to ask for.
            return;
        };
        let start = Instant::now();
        let rows = rows.parse().expect("rows");
        let leaky = leaky.parse().expect("a fraction");
        let plan = with_table(Path::new(folder), rows, keys, balanced, times, |table| {
            Plan::new(table, &common::settings(leaky)).expect("a plan")
        });
        let seconds = start.elapsed().as_secs_f64();
        println!("{{\"seconds\": {seconds}}}");
        let dealt = (times == "none").then(|| {
            with_table(Path::new(folder), rows, keys, balanced, times, |table| {
                Plan::dealt(table, &common::dealt_settings(leaky, balanced == "turns")).expect("a plan")
            })
        });
        let mut measure = Measure::new(&plan, dealt.as_ref(), balanced == "turns");
        request = lines.next();
        while let Some(slices) = request.as_deref().and_then(|line| line.strip_prefix("round ")) {
            measure.round(slices.parse().expect("a number of slices"));
            request = lines.next();
        }
    }
}

fn with_table<T>(
    folder: &Path,
    rows: usize,
    keys: &str,
    balanced: &str,
    times: &str,
    make: impl FnOnce(&Table<'_>) -> T,
) -> T {
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a column");
    let mut experiment = read("experiment");
    let mut labels = common::EXPERIMENTS;
    if keys == "2" {
        // In the order of the texts.
        experiment
            .iter_mut()
            .zip(read("marker"))
            .for_each(|(experiment, marker)| *experiment = *experiment * MARKERS + marker);
        labels *= usize::from(MARKERS);
    }
    let condition = read("condition");
    // In no order, as labels of a table are.
    let labels_in_turn = (rows / ROWS_IN_TURN).max(SHARING);
    let in_turn: Vec<u32> = if balanced == "turns" {
        let mut generator = Generator::new(4);
        (0..rows).map(|_| generator.below(labels_in_turn as u32)).collect()
    } else {
        Vec::new()
    };
    let column = |codes, labels| Column::new(vec![Chunk { codes, ranks: None }], labels);
    let (mut few, mut many): (Vec<f32>, Vec<f64>) = Default::default();
    match times {
        "none" => {}
        "hours_48" => few.extend(numbers(&read(times), f32::from_le_bytes)),
        _ => many.extend(numbers(&read(times), f64::from_le_bytes)),
    }
    let times = if times == "none" {
        None
    } else if few.is_empty() {
        Some(Times::F64(vec![&many]))
    } else {
        Some(Times::F32(vec![&few]))
    };
    let table = Table {
        rows,
        experiments: (keys != "0").then(|| column(Codes::U8(&experiment), labels)),
        conditions: match balanced {
            "0" => None,
            "turns" => Some(Column::from_ranks(&in_turn, labels_in_turn)),
            _ => Some(column(Codes::U8(&condition), common::CONDITIONS)),
        },
        times,
    };
    make(&table)
}

fn numbers<const WIDTH: usize, T>(bytes: &[u8], number: fn([u8; WIDTH]) -> T) -> impl Iterator<Item = T> {
    bytes
        .chunks_exact(WIDTH)
        .map(move |bytes| number(bytes.try_into().expect("whole numbers")))
}

/// Seats that the floor draws from one list.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u32,
    population: u32,
    seats: u32,
}

struct Measure<'a> {
    batches: Batches<'a, i64>,
    passed: Batches<'a, i64>,
    floor: Floor,
    bare: Generator,
    dealt: Batches<'a, i64>,
    deals: Option<Deals<'a>>,
    words: Lcg128Xsl64,
    /// Words of the generator that a batch takes.
    drawn: f64,
}

/// Batches of a dealt plan.
struct Deals<'a> {
    plan: &'a Plan,
    /// Of one rank, of rank 0 of 64 and of 1024.
    ranks: [Batches<'a, i64>; 3],
    far: u64,
}

impl<'a> Deals<'a> {
    fn new(plan: &'a Plan) -> Self {
        let ranks = [1, RANKS, 1024]
            .map(|ranks| Batches::new(plan, Deal::new(ranks, 0).expect("a rank"), 3, 0).expect("a seed"));
        Self { plan, ranks, far: 0 }
    }

    fn measure(&mut self) -> [f64; 4] {
        let [one, many, more] = &mut self.ranks;
        let [one, many, more] = [one, many, more].map(|batches| {
            nanoseconds(SLICE, || {
                black_box(batches.next());
            })
        });
        // Somewhere else each time, as `batch(number)` comes there: by a mark.
        let far = nanoseconds(SLICE, || {
            self.far += 1;
            let mark = Mark {
                batches: 1_000_000 + self.far,
                ..Mark::default()
            };
            black_box(
                Batches::<i64>::at(self.plan, Deal::default(), 3, &mark)
                    .map(|mut batches| batches.next())
                    .ok(),
            );
        });
        [one, many, more, far]
    }
}

struct Floor {
    cdf: Vec<f64>,
    /// By experiment.
    parts: Vec<Vec<Part>>,
    entries: Entries,
    generator: Generator,
}

impl<'a> Measure<'a> {
    fn new(plan: &'a Plan, dealt: Option<&'a Plan>, in_turn: bool) -> Self {
        let (cdf, parts) = if in_turn {
            parts_in_turn(plan)
        } else {
            (plan.cdf().to_vec(), parts(plan))
        };
        Self {
            batches: Batches::new(plan, Deal::default(), 3, 0).expect("a seed"),
            passed: Batches::new(plan, Deal::default(), 3, 1).expect("a seed"),
            floor: Floor {
                cdf,
                parts,
                entries: Entries::new(plan.groups().rows()),
                generator: Generator::new(5),
            },
            bare: Generator::new(6),
            dealt: Batches::new(plan, Deal::new(RANKS, 0).expect("a rank"), 3, 2).expect("a seed"),
            deals: dealt.map(Deals::new),
            words: Lcg128Xsl64::new(7, 8),
            drawn: BATCH as f64,
        }
    }

    /// Everything in turn, in slices so short that most of them are not interrupted by other work of the machine.
    fn round(&mut self, slices: usize) {
        let wanted: Vec<u32> = (0..SLICE * BATCH)
            .map(|_| self.bare.below(self.floor.entries.len()))
            .collect();
        let mut rows = [0; BATCH];
        let mut times: [Vec<f64>; 6] = Default::default();
        let mut of_plan: [Vec<f64>; 4] = Default::default();
        let before = self.passed.mark();
        for _ in 0..slices {
            let batch = nanoseconds(SLICE, || {
                black_box(self.batches.next());
            });
            let figures = [
                batch,
                nanoseconds(SLICE, || {
                    self.floor.batch(&mut rows);
                    black_box(&mut rows);
                }),
                // Behind those that are passed one is built.
                (nanoseconds(1, || {
                    black_box(self.passed.nth(SLICE));
                }) - batch)
                    / SLICE as f64,
                self.words(SLICE),
                nanoseconds(1, || {
                    for wanted in wanted.chunks_exact(BATCH) {
                        self.floor.entries.gather(wanted, &mut rows);
                        black_box(&mut rows);
                    }
                }) / SLICE as f64,
                nanoseconds(1, || {
                    black_box(self.dealt.next());
                }),
            ];
            times
                .iter_mut()
                .zip(figures)
                .for_each(|(times, figure)| times.push(figure));
            if let Some(dealer) = &mut self.deals {
                let figures = dealer.measure();
                of_plan
                    .iter_mut()
                    .zip(figures)
                    .for_each(|(times, figure)| times.push(figure));
            }
        }
        let drawn = self.passed.mark();
        self.drawn = (drawn.words - before.words) as f64 / (drawn.drawn - before.drawn) as f64;
        let [batch, floor, pass, words, gathers, dealt] = times.map(median);
        print!(
            "{{\"batch\": {batch}, \"floor\": {floor}, \"pass\": {pass}, \"words\": {words}, \"gathers\": {gathers}, \
             \"dealt\": {dealt}"
        );
        if self.deals.is_some() {
            let [one, many, more, far] = of_plan.map(median);
            print!(", \"deal\": {one}, \"deal_64\": {many}, \"deal_1024\": {more}, \"deal_far\": {far}");
        }
        println!("}}");
    }

    /// Time of as many raw words as a batch takes.
    fn words(&mut self, batches: usize) -> f64 {
        let count = (self.drawn * batches as f64) as u64;
        nanoseconds(1, || {
            let mut sum = 0;
            for _ in 0..count {
                sum ^= self.words.next_u64();
            }
            black_box(sum);
        }) / batches as f64
    }
}

fn nanoseconds(count: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        work();
    }
    start.elapsed().as_nanos() as f64 / count as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Floor {
    /// Draws as a sample does, a position and a place in the shuffle for each seat, and fetches the rows.
    #[inline]
    fn batch(&mut self, rows: &mut [i64; BATCH]) {
        let picked = if self.cdf.is_empty() {
            0
        } else {
            self.generator.pick(&self.cdf)
        };
        let mut wanted = [0; BATCH];
        let mut seat = 0;
        // A copy stays in registers.
        let mut generator = self.generator.clone();
        for part in &self.parts[picked] {
            let seats = &mut wanted[seat..seat + part.seats as usize];
            let small = part.population < part.seats;
            let first = part.population.saturating_sub(part.seats);
            for (bound, wanted) in (first + 1..).zip(seats) {
                *wanted = part.start + generator.below(if small { part.population } else { bound });
                prefetch(&self.entries, *wanted);
            }
            let mut sum = 0;
            // What is put back is not shuffled.
            for bound in (2..if small { 2 } else { part.seats + 1 }).rev() {
                sum ^= generator.below(bound);
            }
            black_box(sum);
            seat += part.seats as usize;
        }
        self.generator = generator;
        for (row, wanted) in rows.iter_mut().zip(wanted) {
            *row = self.entries.at(wanted);
        }
    }
}

/// Cells that share batches, as if as many experiments had them.
fn parts_in_turn(plan: &Plan) -> (Vec<f64>, Vec<Vec<Part>>) {
    const BATCHES: usize = 256;
    let cells = plan.groups().cells();
    let mut starts = vec![0];
    for cell in cells {
        starts.push(starts[starts.len() - 1] + cell.rows);
    }
    let mut generator = Generator::new(9);
    let mut part = || {
        let cell = generator.below(cells.len() as u32) as usize;
        Part {
            start: starts[cell],
            population: cells[cell].rows,
            seats: (BATCH / SHARING) as u32,
        }
    };
    let parts = (0..BATCHES).map(|_| (0..SHARING).map(|_| part()).collect()).collect();
    (
        (1..=BATCHES).map(|batch| batch as f64 / BATCHES as f64).collect(),
        parts,
    )
}

/// What a batch of each experiment is drawn from.
fn parts(plan: &Plan) -> Vec<Vec<Part>> {
    let Rule::Drawn(drawn) = plan.rule() else {
        unreachable!("the benches draw");
    };
    let (groups, full) = (plan.groups(), drawn.full());
    let rows = groups.kept();
    let ends = |sizes: &mut dyn Iterator<Item = u32>| -> Vec<u32> {
        let mut end = 0;
        std::iter::once(0)
            .chain(sizes.map(|size| {
                end += size;
                end
            }))
            .collect()
    };
    let cells = ends(&mut groups.cells().iter().map(|cell| cell.rows));
    let pools = ends(&mut (0..groups.experiments()).map(|position| groups.size(position)));
    (0..groups.experiments())
        .map(|position| {
            let mut parts = Vec::new();
            let mut part = |start, population, seats| {
                if seats > 0 {
                    parts.push(Part {
                        start,
                        population,
                        seats,
                    });
                }
            };
            part(0, rows - groups.size(position), full.leak() as u32);
            // Those near a time are fewer than the list; drawing from all of it costs the same.
            if let Some(quotas) = full.quotas(position) {
                for quota in quotas {
                    let (start, size) = (cells[quota.cell as usize], groups.cells()[quota.cell as usize].rows);
                    part(start, size, quota.seats - quota.far);
                    part(start, size, quota.far);
                }
            } else {
                let far = full.far() as u32;
                part(pools[position], groups.size(position), full.primary() as u32 - far);
                part(pools[position], groups.size(position), far);
            }
            parts
        })
        .collect()
}
