//! Work on two cores, by a thread that ends with the call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::support::pauses::Pauses;

/// How long the other core is waited for between two chances to pause.
const WAIT: Duration = Duration::from_millis(20);

/// Whether this process may run on two cores; in tests it always may.
pub(crate) fn are_two() -> bool {
    cfg!(test) || thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

/// Why work on the other core ended early.
#[derive(Debug)]
pub(crate) enum Ended {
    By(Error),
    /// It was told to, as the work on this core had ended.
    Told,
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::By(error)
    }
}

/// Does both, `there` on another core, or after `here` where no thread can be had. Only this core pauses: where that ends the
/// work, it ends on both.
pub(crate) fn both<A, B: Send, E: From<Error>>(
    pauses: &mut Pauses<'_, E>,
    here: impl FnOnce(&mut Pauses<'_, E>) -> Result<A, E>,
    there: impl FnOnce(&mut Pauses<'_, Ended>) -> Result<B, Ended> + Send,
) -> Result<(A, B), E> {
    let (is_told, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
    let this = thread::current();
    // What no thread takes is still there.
    let mut there = Some(there);
    let (here, done) = thread::scope(|scope| {
        let work = || {
            let mut pause = || {
                if is_told.load(Ordering::Relaxed) {
                    Err(Ended::Told)
                } else {
                    Ok(())
                }
            };
            let done = there.take().map(|there| there(&mut Pauses::new(&mut pause)));
            is_done.store(true, Ordering::Relaxed);
            this.unpark();
            done
        };
        let thread = thread::Builder::new().spawn_scoped(scope, work);
        let mut here = here(pauses);
        let Ok(thread) = thread else { return (here, None) };
        while here.is_ok() && !is_done.load(Ordering::Relaxed) && !thread.is_finished() {
            thread::park_timeout(WAIT);
            here = here.and_then(|here| pauses.now().map(|()| here));
        }
        is_told.store(here.is_err(), Ordering::Relaxed);
        match thread.join() {
            Ok(done) => (here, done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let here = here?;
    let mut ended = None;
    let done = match (done, there) {
        (None, Some(there)) => there(&mut Pauses::new(&mut || {
            pauses.now().map_err(|error| {
                ended = Some(error);
                Ended::Told
            })
        })),
        (done, _) => done.unwrap_or(Err(Ended::Told)),
    };
    match (done, ended) {
        (Ok(there), _) => Ok((here, there)),
        (Err(_), Some(error)) => Err(error),
        (Err(Ended::By(error)), None) => Err(error.into()),
        // It is told only where `here` has returned an error.
        (Err(Ended::Told), None) => unreachable!("nothing told the other core to end"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::pauses::ENTRIES;

    #[test]
    fn both_are_done() {
        let mut pause = || Ok::<(), Error>(());
        let pauses = &mut Pauses::new(&mut pause);
        assert_eq!(both(pauses, |_| Ok(1), |_| Ok("there")), Ok((1, "there")));
        // What fails on either core fails.
        let here: Result<((), ()), _> = both(pauses, |_| Err(Error::NoRows), |_| Ok(()));
        let there: Result<((), ()), _> = both(pauses, |_| Ok(()), |_| Err(Error::NoRows.into()));
        assert_eq!((here, there), (Err(Error::NoRows), Err(Error::NoRows)));
    }

    fn without_end<E: From<Error>>(pauses: &mut Pauses<'_, E>) -> Result<(), E> {
        loop {
            pauses.after(ENTRIES)?;
        }
    }

    #[test]
    fn a_pause_ends_the_work_on_both_cores() {
        for waits_here in [true, false] {
            let mut chances = 0;
            let mut pause = || {
                chances += 1;
                if chances < 3 { Ok(()) } else { Err(Error::NoRows) }
            };
            let here = |pauses: &mut Pauses<'_, Error>| if waits_here { Ok(()) } else { without_end(pauses) };
            let ended = both(&mut Pauses::new(&mut pause), here, without_end);
            assert_eq!(ended, Err(Error::NoRows));
        }
    }

    #[test]
    #[should_panic(expected = "there")]
    fn a_panic_on_the_other_core_is_one_here() {
        let mut pause = || Ok::<(), Error>(());
        let there = |_: &mut Pauses<'_, Ended>| -> Result<(), Ended> { panic!("there") };
        let _ = both(&mut Pauses::new(&mut pause), |_| Ok(()), there);
    }
}
