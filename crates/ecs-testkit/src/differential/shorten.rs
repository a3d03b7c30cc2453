//! From a sequence that shows a difference to a shorter one.

use super::operation::Operation;

/// Leaves operations out of a sequence that shows a difference, as long as it
/// shows one, and returns it with the difference.
///
/// proptest leaves operations out too, but can't know that without one that
/// makes an entity all later ones are about other entities.
///
/// `difference` is what a sequence shows.
pub(super) fn shorten(
    difference: impl Fn(&[Operation]) -> Option<String>,
    mut sequence: Vec<Operation>,
) -> (Vec<Operation>, String) {
    let mut reason = difference(&sequence).expect("the sequence shows a difference");
    let mut place = 0;
    while place < sequence.len() {
        let shorter = shorter_at(&sequence, place).into_iter();
        let mut that_show = shorter.filter_map(|shorter| Some((difference(&shorter)?, shorter)));
        match that_show.next() {
            Some((still, shorter)) => {
                (reason, sequence) = (still, shorter);
                place = 0;
            }
            None => place += 1,
        }
    }
    (sequence, reason)
}

/// Returns sequences with less at a place, the shortest first.
fn shorter_at(sequence: &[Operation], place: usize) -> Vec<Vec<Operation>> {
    let mut without = sequence.to_vec();
    without.remove(place);
    let mut renamed = without.clone();
    renamed[place..].iter_mut().for_each(Operation::name_one_lower);
    let mut shorter = vec![without, renamed];
    for smaller in sequence[place].parts_left_out() {
        let mut copy = sequence.to_vec();
        copy[place] = smaller;
        shorter.push(copy);
    }
    shorter
}
