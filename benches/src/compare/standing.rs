//! What came of a row: figures and ratios.

use serde::Serialize;

use super::row::Row;
use super::sampling::Samples;

/// One contender's figures in a row, a whole round each.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// The row.
    pub row: &'static str,
    /// Who.
    pub contender: &'static str,
    /// How many items a round has.
    pub items: usize,
    /// `ns` or `bytes`.
    pub unit: &'static str,
    /// The median of a round, in `unit`.
    pub median_ns: f64,
    /// The least of a round, in `unit`.
    pub min_ns: f64,
    /// The median by that of the best other engine.
    pub vs_best_peer: Option<f64>,
    /// The median by that of the best loop written by hand.
    pub vs_limit: Option<f64>,
    /// How many samples there were.
    pub samples: usize,
}

impl Standing {
    /// Returns the median of one item.
    pub fn per_item(&self) -> f64 {
        self.median_ns / self.items as f64
    }
}

/// Puts a row's samples beside one another.
pub fn standings(row: &Row, samples: &[Samples]) -> Vec<Standing> {
    let best = |of: &dyn Fn(&Samples) -> bool| {
        let medians = samples.iter().filter(|samples| of(samples)).map(Samples::median);
        medians.min_by(f64::total_cmp)
    };
    let peer = best(&|samples| samples.is_peer);
    let limit = best(&|samples| samples.contender.starts_with("limit/"));
    let standing = |samples: &Samples| Standing {
        row: row.name,
        contender: samples.contender,
        items: row.items,
        unit: row.unit.name(),
        median_ns: samples.median(),
        min_ns: samples.min(),
        vs_best_peer: peer.map(|best| samples.median() / best),
        vs_limit: limit.map(|best| samples.median() / best),
        samples: samples.len(),
    };
    samples.iter().map(standing).collect()
}
