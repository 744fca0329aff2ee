//! What a feed and its runs promise, over a table so small that the batches do not matter.

use super::*;
use crate::columns::Table;
use crate::plan::Settings;

fn plan(batches: u64) -> Arc<Plan> {
    let settings = Settings {
        batch_size: 2,
        batches: Some(batches),
        ..Settings::default()
    };
    let table = Table {
        rows: 100,
        ..Table::default()
    };
    Arc::new(Plan::new(&table, &settings).unwrap())
}

fn feed(batches: u64) -> Arc<Feed> {
    Arc::new(Feed::new(plan(batches), Some(Deal::default()), 1))
}

fn walk(feed: &Feed, epoch: u64, position: u64) -> (Vec<u32>, Walked) {
    feed.walk(epoch, position).unwrap().rows::<_, Error>(|| Ok(())).unwrap()
}

/// The global sequence of an epoch.
fn sequence(feed: &Feed, epoch: u64) -> Vec<Vec<u32>> {
    let batches = crate::epoch::Batches::new(feed.plan(), Deal::default(), feed.seed(), epoch).unwrap();
    batches.collect::<Result<_, _>>().unwrap()
}

/// The next batch of a run.
fn draw(run: &Run, feed: &Feed) -> Option<Vec<u32>> {
    loop {
        match run.step().unwrap() {
            Step::Batch(mut next) => {
                let rows = next.rows(feed.plan()).unwrap();
                assert!(run.finish(next));
                return Some(rows);
            }
            Step::Passing => {}
            Step::Over => return None,
        }
    }
}

#[test]
fn what_is_shared_can_be() {
    fn shared<T: Send + Sync>() {}
    shared::<Feed>();
    shared::<Run>();
}

#[test]
fn positions_are_remembered_however_they_were_reached() {
    let feed = feed(10_000);
    let ask = |position: u64| {
        let walk = feed.walk(0, position).unwrap();
        let passed = position - walk.from();
        feed.remember(walk.rows::<u32, Error>(|| Ok(())).unwrap().1);
        passed
    };
    for position in 0..5000 {
        assert_eq!(ask(position), 0);
    }
    assert_eq!(ask(4999), 4999 % 1024);
    assert_eq!(ask(3071), 1023);
    assert_eq!(ask(9000), 9000 - 4096);
    assert_eq!(ask(8191), 1023);
    assert_eq!(ask(1024), 0);
}

#[test]
fn a_walk_whose_epoch_was_forgotten_meanwhile() {
    let feed = feed(10_000);
    feed.remember(walk(&feed, 0, 2000).1);
    let (batch, late) = walk(&feed, 0, 2001);
    for epoch in 1..10 {
        feed.remember(walk(&feed, epoch, 5).1);
    }
    feed.remember(late);
    assert_eq!(walk(&feed, 0, 2001).0, batch);
    assert_eq!(walk(&feed, 0, 1500).0, walk(&feed, 0, 1500).0);
}

#[test]
fn walks_of_several_epochs_do_not_mix() {
    let feed = feed(3000);
    let sequences: Vec<_> = (0..6).map(|epoch| sequence(&feed, epoch)).collect();
    let positions = [2999, 0, 1024, 1023, 2047, 1025, 2048, 7];
    // Late, in any order, and forgotten by the others in between: a walk knows which epoch it is of.
    let mut walked = Vec::new();
    for (turn, &position) in positions.iter().cycle().take(200).enumerate() {
        let epoch = turn * 7 % 6;
        let (rows, late) = walk(&feed, epoch as u64, position);
        assert_eq!(rows, sequences[epoch][position as usize]);
        walked.push(late);
        if turn % 3 == 0 {
            feed.remember(walked.swap_remove(walked.len() / 2));
        }
    }
}

#[test]
fn a_batch_before_all_that_is_known_is_walked_to_from_the_beginning() {
    let feed = feed(5000);
    let place = Mark {
        batches: 4000,
        ..Mark::default()
    };
    feed.resume(place).unwrap();
    feed.remember(walk(&feed, 0, 4000).1);
    assert_eq!(walk(&feed, 0, 3).0, sequence(&feed, 0)[3]);
    // By itself, a stream that is past a batch says so and does not go round.
    let mut stream = Stream::new(feed.plan(), 1, 0_u64).unwrap();
    stream.move_to(feed.plan(), 5, |_| Ok::<_, Error>(())).unwrap();
    let back = stream.move_to(feed.plan(), 4, |_| Ok::<_, Error>(()));
    assert_eq!(back, Err(Error::Mark));
    assert_eq!(stream.position(), 5);
}

#[test]
fn a_rank_that_is_told_late_changes_no_run_that_has_begun() {
    let feed = Arc::new(Feed::new(plan(20), None, 1));
    let sequence = sequence(&feed, 0);
    let run = Run::new(feed.clone());
    for batch in &sequence[..3] {
        assert_eq!(draw(&run, &feed).as_ref(), Some(batch));
    }
    feed.set_deal(Deal::new(4, 1).unwrap());
    assert_eq!(run.place().batches, 3);
    assert_eq!(feed.place().batches, 3);
    for batch in &sequence[3..] {
        assert_eq!(draw(&run, &feed).as_ref(), Some(batch));
    }
    assert_eq!(draw(&run, &feed), None);
    let next = Run::new(feed.clone());
    next.resume(Mark::default()).unwrap();
    for round in 0..5 {
        assert_eq!(draw(&next, &feed).as_ref(), Some(&sequence[4 * round + 1]));
    }
    assert_eq!(draw(&next, &feed), None);
}

#[test]
fn a_batch_that_comes_to_nothing_is_not_lost() {
    let feed = feed(20);
    let sequence = sequence(&feed, 0);
    let run = Run::new(feed.clone());
    for (done, batch) in (0..).zip(&sequence) {
        // Drawn, and let go of: as where there is no memory to hand it out.
        let Step::Batch(mut next) = run.step().unwrap() else {
            panic!("there is a batch");
        };
        assert_eq!(&next.rows::<u32>(feed.plan()).unwrap(), batch);
        drop(next);
        assert_eq!(run.place().batches, done);
        assert_eq!(draw(&run, &feed).as_ref(), Some(batch));
        assert_eq!(run.place().batches, done + 1);
    }
    assert_eq!(draw(&run, &feed), None);
}

#[test]
fn of_two_who_draw_the_same_batch_one_hands_it_out() {
    let feed = feed(20);
    let run = Run::new(feed.clone());
    let step = || match run.step().unwrap() {
        Step::Batch(mut next) => (next.rows::<u32>(feed.plan()).unwrap(), next),
        other => panic!("{other:?}"),
    };
    let ((one, first), (other, second)) = (step(), step());
    assert_eq!(one, other);
    assert!(run.finish(first));
    assert!(!run.finish(second));
    assert_eq!(run.place().batches, 1);
    // Nor does one that was drawn before the run was sent elsewhere.
    let (_, late) = step();
    run.resume(Mark::beginning(3)).unwrap();
    assert!(!run.finish(late));
    assert_eq!(draw(&run, &feed).unwrap(), sequence(&feed, 3)[0]);
}
