//! All rows as one table, a line each.

use std::fmt;

use super::standing::Standing;
use super::table::ratio;
use crate::chart::Owner;
use crate::figure;

/// The figures of several rows, which print as a table in Markdown: the best of
/// this engine, of the other engines, and of what is written by hand.
#[derive(Debug)]
pub struct Summary<'a>(pub &'a [Vec<Standing>]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| row | this engine | best other engine | by hand | to peer | to hand |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for row in self.0 {
            let Some(first) = row.first() else { continue };
            let ours = best(row, Owner::Ours);
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} |",
                first.row,
                cell(ours),
                cell(best(row, Owner::Peer)),
                cell(best(row, Owner::Limit)),
                ratio(ours.and_then(|ours| ours.vs_best_peer)),
                ratio(ours.and_then(|ours| ours.vs_limit)),
            )?;
        }
        Ok(())
    }
}

fn best(row: &[Standing], owner: Owner) -> Option<&Standing> {
    let of_owner = row.iter().filter(|standing| Owner::of(&standing.contender) == owner);
    of_owner.min_by(|one, other| one.median.total_cmp(&other.median))
}

/// Writes a figure and the way that led to it.
fn cell(standing: Option<&Standing>) -> String {
    let Some(standing) = standing else { return "-".to_owned() };
    let way = match standing.contender.split_once('/') {
        Some((_, way)) if Owner::of(&standing.contender) != Owner::Peer => way,
        _ => &standing.contender,
    };
    format!("{} {} `{way}`", figure(standing.per_item()), standing.unit.name())
}
