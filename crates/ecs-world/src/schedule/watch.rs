//! How long systems take that run one after another.
//!
//! Whoever reads the clock waits until all that was begun before is done, and so takes
//! longer than a short system does. So several that are short are timed together.

use std::time::Instant;

use super::node::{Node, SHORT};

/// So many systems are timed together at most.
const TOGETHER: usize = 16;

/// Times systems, one or several at a time.
pub(super) struct Watch {
    /// When the last of those ended that have been timed.
    start: Instant,
    /// Which nodes have run since.
    ran: [usize; TOGETHER],
    count: usize,
}

impl Watch {
    pub(super) fn start() -> Self {
        Self { start: Instant::now(), ran: [0; TOGETHER], count: 0 }
    }

    /// Notes that a node has run, if there [is room](Self::is_full).
    #[inline]
    pub(super) fn add(&mut self, node: usize) {
        self.ran[self.count] = node;
        self.count += 1;
    }

    /// Tells whether the clock has to be read before another one runs.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.count == TOGETHER
    }

    /// Reads the clock, if anything has run since it was read last, and tells each node
    /// how long it took.
    #[inline]
    pub(super) fn stop(&mut self, nodes: &mut [Node]) {
        if self.count != 0 {
            self.tell(nodes);
        }
    }

    fn tell(&mut self, nodes: &mut [Node]) {
        let end = Instant::now();
        let all = end - self.start;
        let ran = &self.ran[..self.count];
        // One that takes longer than before would hide among the others.
        let expected: u64 = ran.iter().map(|&n| nodes[n].cost()).sum();
        let is_odd = ran.len() > 1 && all.as_nanos() > u128::from(2 * expected + SHORT);
        let time = all / ran.len() as u32;
        for &n in ran {
            let (known, cell) = nodes[n].own();
            known.took(cell, time);
            if is_odd {
                nodes[n].forget_cost();
            }
        }
        (self.start, self.count) = (end, 0);
    }
}
