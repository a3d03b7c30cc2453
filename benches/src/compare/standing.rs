//! What came of a row: figures and ratios.

use serde::{Deserialize, Serialize};

use super::row::{Row, Unit};
use super::sampling::Samples;
use crate::chart::Owner;

/// One contender's figures in a row, a whole round each.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Standing {
    /// The row.
    pub row: String,
    /// What is done in it.
    pub about: String,
    /// Who.
    pub contender: String,
    /// How many items a round has.
    pub items: usize,
    /// What `median` and `min` count, whatever their names in JSON.
    pub unit: Unit,
    /// The median of a round.
    #[serde(rename = "median_ns")]
    pub median: f64,
    /// The least of a round.
    #[serde(rename = "min_ns")]
    pub min: f64,
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
        self.median / self.items as f64
    }
}

/// Puts a row's samples beside one another.
pub fn standings(row: &Row, samples: &[Samples]) -> Vec<Standing> {
    let best = |owner: Owner| {
        let of_owner = samples.iter().filter(|samples| Owner::of(samples.contender) == owner);
        of_owner.map(Samples::median).min_by(f64::total_cmp)
    };
    let (peer, limit) = (best(Owner::Peer), best(Owner::Limit));
    let standing = |samples: &Samples| Standing {
        row: row.name.to_owned(),
        about: row.about.to_owned(),
        contender: samples.contender.to_owned(),
        items: row.items,
        unit: row.unit,
        median: samples.median(),
        min: samples.min(),
        vs_best_peer: peer.map(|best| samples.median() / best),
        vs_limit: limit.map(|best| samples.median() / best),
        samples: samples.len(),
    };
    samples.iter().map(standing).collect()
}
