//! Putting things in order: by what must come first, and else as they came.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Sorts `0..keys.len()` so that for each pair of `edges` the first comes before
/// the second, and else the one with the smaller key.
///
/// # Errors
/// A cycle: each comes before the next, and the last is the first again.
///
/// # Complexity
/// O(edges + n log n).
pub(super) fn order(
    keys: &[(usize, usize)],
    edges: impl Iterator<Item = (usize, usize)>,
) -> Result<Vec<usize>, Vec<usize>> {
    let mut successors = vec![Vec::new(); keys.len()];
    let mut waits_for = vec![0usize; keys.len()];
    for (first, second) in edges {
        successors[first].push(second);
        waits_for[second] += 1;
    }
    let free = (0..keys.len()).filter(|&n| waits_for[n] == 0);
    let mut ready: BinaryHeap<_> = free.map(|n| Reverse((keys[n], n))).collect();
    let mut sorted = Vec::with_capacity(keys.len());
    while let Some(Reverse((_, n))) = ready.pop() {
        sorted.push(n);
        for &next in &successors[n] {
            waits_for[next] -= 1;
            if waits_for[next] == 0 {
                ready.push(Reverse((keys[next], next)));
            }
        }
    }
    match sorted.len() == keys.len() {
        true => Ok(sorted),
        false => Err(cycle(&successors, &waits_for)),
    }
}

/// Finds a cycle among those that still wait.
fn cycle(successors: &[Vec<usize>], waits_for: &[usize]) -> Vec<usize> {
    // Whatever still waits has a predecessor that still waits: going back, one
    // is met twice.
    let before = |n: usize| {
        (0..successors.len())
            .find(|&m| waits_for[m] > 0 && successors[m].contains(&n))
            .expect("what waits, waits for something that waits")
    };
    let mut path = vec![(0..waits_for.len()).find(|&n| waits_for[n] > 0).expect("one waits")];
    loop {
        let next = before(path[path.len() - 1]);
        if let Some(start) = path.iter().position(|&n| n == next) {
            path.drain(..start);
            path.push(next);
            path.reverse();
            return path;
        }
        path.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(n: usize, edges: &[(usize, usize)]) -> Result<Vec<usize>, Vec<usize>> {
        let keys: Vec<_> = (0..n).map(|n| (n, 0)).collect();
        order(&keys, edges.iter().copied())
    }

    #[test]
    fn without_edges_all_stay_as_they_came() {
        assert_eq!(sorted(4, &[]), Ok(vec![0, 1, 2, 3]));
    }

    #[test]
    fn an_edge_moves_no_more_than_it_must() {
        assert_eq!(sorted(4, &[(3, 1)]), Ok(vec![0, 2, 3, 1]));
        assert_eq!(sorted(4, &[(2, 0), (2, 0)]), Ok(vec![1, 2, 0, 3]));
    }

    #[test]
    fn a_cycle_is_named_in_order() {
        assert_eq!(sorted(1, &[(0, 0)]), Err(vec![0, 0]));
        let path = sorted(5, &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)]).unwrap_err();
        assert_eq!((path.len(), path[0]), (4, path[3]));
        let edges = [(1, 2), (2, 3), (3, 1)];
        assert!(path.windows(2).all(|pair| edges.contains(&(pair[0], pair[1]))), "{path:?}");
    }
}
