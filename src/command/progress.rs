//! How far long work has come, on one line of standard error that is written over; nothing where nobody watches.

use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;

/// How often the line is written anew.
const ANEW: Duration = Duration::from_millis(200);
/// Back to the start of the line, with nothing on it.
const CLEAR: &str = "\r\x1b[K";

/// Shows what `say` says for as long as `work` goes on.
pub async fn shown<T>(work: impl Future<Output = T>, say: impl Fn() -> String) -> T {
    if !io::stderr().is_terminal() {
        return work.await;
    }
    watched(work, say, &mut anstream::stderr()).await
}

async fn watched<T>(work: impl Future<Output = T>, say: impl Fn() -> String, out: &mut impl Write) -> T {
    let mut work = pin!(work);
    let mut ticks = tokio::time::interval(ANEW);
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                write(out, "");
                return done;
            }
            _ = ticks.tick() => write(out, &say()),
        }
    }
}

fn write(out: &mut impl Write, text: &str) {
    // Work does not end because nobody can watch it.
    let _ = write!(out, "{CLEAR}{text}").and_then(|()| out.flush());
}

/// A size as people read it.
pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", tenths(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_line_is_written_over_and_gone_at_the_end() {
        let (mut out, left) = (Vec::new(), Cell::new(3));
        let say = || {
            left.set(left.get() - 1);
            format!("{} left", left.get())
        };
        let done = watched(tokio::time::sleep(ANEW + ANEW / 2), say, &mut out).await;
        let () = done;
        let shown = String::from_utf8(out).unwrap().replace(CLEAR, "|");
        assert_eq!(shown, "|2 left|1 left|");
    }

    #[test]
    fn a_size_has_its_unit() {
        for (bytes, told) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (122_880, "122.8 kB"),
            (5_250_000, "5.2 MB"),
            (1_999_999_999, "1.9 GB"),
        ] {
            assert_eq!(size(bytes), told);
        }
    }
}
