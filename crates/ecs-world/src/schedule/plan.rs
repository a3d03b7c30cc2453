//! From systems and what is said of their places to an order of steps.

use std::collections::{BTreeMap, BTreeSet};

use ecs_storage_api::SharedQueries;

use super::config::{Every, Place, SetConfig};
use super::dependencies::Dependencies;
use super::error::{AskedOrder, PlanError};
use super::label::Label;
use super::node::Node;
use super::order::order;

/// The order of the steps of a run.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// By node: its place in the order of all.
    pub(super) position: Vec<usize>,
    /// By node: the gates that must be open.
    pub(super) gates: Vec<Vec<usize>>,
    /// By node: in which ticks it runs, its sets' rhythm included.
    pub(super) every: Vec<Vec<Every>>,
    /// By node: which phase.
    pub(super) phases: Vec<usize>,
    /// Pairs of nodes whose order was asked for.
    pub(super) asked: BTreeSet<(usize, usize)>,
}

/// What is done before the next step begins.
pub(super) enum Step {
    /// Systems run, side by side where they can; then their commands are
    /// applied.
    Together(Segment),
    /// A node that takes the world; its conditions have these queries.
    Alone(usize, SharedQueries),
}

/// Systems between two points at which commands are applied.
pub(super) struct Segment {
    /// In the order of the plan.
    pub(super) nodes: Vec<usize>,
    /// Their queries, in the same order.
    pub(super) queries: SharedQueries,
    pub(super) dependencies: Dependencies,
    /// The nodes that record commands.
    pub(super) commanding: Vec<usize>,
}

/// What is known of each node from its labels and sets.
struct Placed {
    labels: BTreeSet<Label>,
    sets: Vec<usize>,
    phase: usize,
}

impl Plan {
    /// Makes a plan.
    ///
    /// # Errors
    /// [`PlanError`] if the places contradict each other, or name what is not
    /// there.
    ///
    /// # Complexity
    /// O(n²) for n systems.
    pub(super) fn new(
        nodes: &mut [Node],
        sets: &[SetConfig],
        phases: &[Label],
    ) -> Result<Self, PlanError> {
        check_sets(sets, phases)?;
        let mut placed = Vec::with_capacity(nodes.len());
        for node in nodes.iter() {
            placed.push(place(node, sets, phases)?);
        }
        let gates = gates(nodes, &mut placed, sets);
        let mut asked = BTreeSet::new();
        each_asked(nodes, &placed, sets, |pair, _, _, _| {
            asked.insert(pair);
        })?;
        order_gates(&gates, &mut asked);
        for &(first, second) in &asked {
            if placed[first].phase > placed[second].phase {
                let name = |n: usize| nodes[n].name.clone();
                return Err(PlanError::Phases { first: name(first), second: name(second) });
            }
        }
        let mut keys: Vec<_> = placed.iter().enumerate().map(|(n, at)| (at.phase, n, 1)).collect();
        // A gate stands just before its first member, wherever it was declared.
        for (member, gates) in gates.iter().enumerate().rev() {
            let of_phase = gates.iter().filter(|&&gate| placed[gate].phase == placed[member].phase);
            of_phase.for_each(|&gate| keys[gate] = (placed[gate].phase, member, 0));
        }
        let mut sorted = sort(&keys, &asked).map_err(|_| cycle(nodes, &placed, sets, &asked))?;
        // Nobody waits for the gate of a set without members.
        sorted.retain(|&n| nodes[n].is_system() || gates.iter().any(|gates| gates.contains(&n)));
        let phases: Vec<_> = placed.iter().map(|placed| placed.phase).collect();
        let every = nodes.iter().zip(&placed).map(|(node, placed)| {
            // A gate is asked when its set is due.
            let of_gate = sets_with(&mut node.gate_of.iter().cloned().collect(), sets);
            let of_sets = placed.sets.iter().chain(&of_gate);
            let of_sets = of_sets.flat_map(|&set| &sets[set].place.every);
            node.place.every.iter().chain(of_sets).copied().collect()
        });
        let every = every.collect();
        let mut position = vec![0; nodes.len()];
        sorted.iter().enumerate().for_each(|(at, &n)| position[n] = at);
        let steps = steps(nodes, &sorted, &phases, &asked);
        Ok(Self { steps, position, gates, every, phases, asked })
    }
}

/// Checks that phases of sets are there, of those that nothing is in too, and that no set is
/// in itself.
fn check_sets(sets: &[SetConfig], phases: &[Label]) -> Result<(), PlanError> {
    for set in sets {
        phase_of(set.label.as_str(), set.place.phase.as_ref(), phases)?;
    }
    let mut numbers: BTreeMap<&Label, usize> = BTreeMap::new();
    for set in sets {
        let next = numbers.len();
        numbers.entry(&set.label).or_insert(next);
    }
    let around = sets.iter().flat_map(|set| set.place.labels.iter().map(move |label| (set, label)));
    let pairs = around.filter_map(|(set, label)| Some((numbers[&set.label], *numbers.get(label)?)));
    let rank: Vec<_> = (0..numbers.len()).map(|n| (n, n)).collect();
    let mut names = vec![""; numbers.len()];
    numbers.iter().for_each(|(label, n)| names[*n] = label.as_str());
    let in_each_other = |path: Vec<usize>| PlanError::SetCycle {
        path: path.into_iter().map(|n| names[n].to_owned()).collect(),
    };
    order(&rank, pairs).map(drop).map_err(in_each_other)
}

/// Returns the number of a phase, which is the first if none is named.
fn phase_of(name: &str, phase: Option<&Label>, phases: &[Label]) -> Result<usize, PlanError> {
    let Some(phase) = phase else { return Ok(0) };
    let missing = || PlanError::NoSuchPhase { name: name.to_owned(), phase: phase.clone() };
    phases.iter().position(|known| known == phase).ok_or_else(missing)
}

/// Finds the sets of some labels and those that they are in, and adds the labels of all.
fn sets_with(labels: &mut BTreeSet<Label>, sets: &[SetConfig]) -> Vec<usize> {
    let mut found = Vec::new();
    // Sets may be in sets, in any order of their declaration.
    while let Some(n) =
        (0..sets.len()).find(|n| !found.contains(n) && labels.contains(&sets[*n].label))
    {
        found.push(n);
        labels.extend(sets[n].place.labels.iter().cloned());
    }
    found
}

/// Finds out which labels, sets and phase a node has.
fn place(node: &Node, sets: &[SetConfig], phases: &[Label]) -> Result<Placed, PlanError> {
    let mut labels: BTreeSet<Label> = node.place.labels.iter().cloned().collect();
    if node.is_system() {
        labels.extend(node.own_labels());
    }
    let of_sets = sets_with(&mut labels, sets);
    let of_a_set = || of_sets.iter().find_map(|&set: &usize| sets[set].place.phase.as_ref());
    let phase = phase_of(&node.name, node.place.phase.as_ref().or_else(of_a_set), phases)?;
    Ok(Placed { labels, sets: of_sets, phase })
}

/// Finds the gates of each node, and puts each into the phase of its first
/// member.
fn gates(nodes: &[Node], placed: &mut [Placed], sets: &[SetConfig]) -> Vec<Vec<usize>> {
    let mut gates = vec![Vec::new(); nodes.len()];
    for (n, node) in nodes.iter().enumerate() {
        let Some(label) = &node.gate_of else { continue };
        let is_member = |m: &usize| {
            nodes[*m].is_system() && placed[*m].sets.iter().any(|&set| sets[set].label == *label)
        };
        let members: Vec<_> = (0..nodes.len()).filter(is_member).collect();
        let first = members.iter().map(|&m| placed[m].phase).min();
        placed[n].phase = first.unwrap_or(0);
        members.into_iter().for_each(|m| gates[m].push(n));
    }
    gates
}

/// Gives the pairs whose order was asked for, at systems and at sets, and by what: who is
/// ordered, and how against which label.
fn each_asked(
    nodes: &[Node],
    placed: &[Placed],
    sets: &[SetConfig],
    mut give: impl FnMut((usize, usize), &str, &'static str, &Label),
) -> Result<(), PlanError> {
    let mut members: BTreeMap<&Label, Vec<usize>> = BTreeMap::new();
    for (n, placed) in placed.iter().enumerate().filter(|(n, _)| nodes[*n].is_system()) {
        placed.labels.iter().for_each(|label| members.entry(label).or_default().push(n));
    }
    let with = |name: &str, relation, label: &Label| {
        let missing =
            || PlanError::NoSuchLabel { name: name.to_owned(), relation, label: label.clone() };
        members.get(label).ok_or_else(missing)
    };
    // Of those that are ordered against a label which they share with others, none is before
    // itself.
    let pair = |n: usize, m: usize, are_all: bool| Some((n, m)).filter(|_| n != m || are_all);
    let mut add = |name: &str, place: &Place, own: &[usize]| {
        for label in &place.before {
            let others = with(name, "before", label)?;
            let are_all = own == others;
            let pairs = |&n| others.iter().filter_map(move |&m| pair(n, m, are_all));
            own.iter().flat_map(pairs).for_each(|pair| give(pair, name, "before", label));
        }
        for label in &place.after {
            let others = with(name, "after", label)?;
            let are_all = own == others;
            let pairs = |&n| others.iter().filter_map(move |&m| pair(m, n, are_all));
            own.iter().flat_map(pairs).for_each(|pair| give(pair, name, "after", label));
        }
        Ok::<(), PlanError>(())
    };
    for (n, node) in nodes.iter().enumerate() {
        add(&node.name, &node.place, &[n])?;
    }
    for set in sets {
        add(set.label.as_str(), &set.place, members.get(&set.label).map_or(&[], Vec::as_slice))?;
    }
    Ok(())
}

/// Puts each gate before its set, and after all that the whole set is after: its
/// condition may be about what those do.
fn order_gates(gates: &[Vec<usize>], asked: &mut BTreeSet<(usize, usize)>) {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (member, gates) in gates.iter().enumerate() {
        gates.iter().for_each(|&gate| members.entry(gate).or_default().push(member));
    }
    let mut added = Vec::new();
    for (&gate, members) in &members {
        let before_one = asked.iter().filter(|(_, second)| *second == members[0]);
        let before_all = before_one
            .map(|(first, _)| *first)
            .filter(|&first| members.iter().all(|&member| asked.contains(&(first, member))));
        added.extend(before_all.map(|first| (first, gate)));
        added.extend(members.iter().map(|&member| (gate, member)));
    }
    asked.extend(added);
}

/// Sorts the nodes: by phases first, then in the order of registration.
///
/// # Errors
/// A cycle.
fn sort(
    keys: &[(usize, usize, usize)],
    asked: &BTreeSet<(usize, usize)>,
) -> Result<Vec<usize>, Vec<usize>> {
    let mut by_key: Vec<_> = (0..keys.len()).collect();
    by_key.sort_by_key(|&n| (keys[n], n));
    let mut rank = vec![(0, 0); keys.len()];
    by_key.iter().enumerate().for_each(|(at, &n)| rank[n] = (at, n));
    order(&rank, asked.iter().copied())
}

/// Names a cycle, which is there: its systems, and by what each is before the next.
fn cycle(
    nodes: &[Node],
    placed: &[Placed],
    sets: &[SetConfig],
    asked: &BTreeSet<(usize, usize)>,
) -> PlanError {
    let rank: Vec<_> = (0..nodes.len()).map(|n| (n, 0)).collect();
    // What is before a gate is before all of its set: without gates there is a cycle too.
    let of_systems = asked.iter().filter(|&&(m, n)| nodes[m].is_system() && nodes[n].is_system());
    let path = order(&rank, of_systems.copied()).expect_err("what is asked for is a cycle");
    let mut orders = vec![None; path.len() - 1];
    let collected = each_asked(nodes, placed, sets, |(m, n), name, relation, label| {
        if let Some(at) = path.windows(2).position(|pair| pair == [m, n]) {
            orders[at].get_or_insert_with(|| AskedOrder {
                name: name.to_owned(),
                relation,
                label: label.clone(),
            });
        }
    });
    collected.expect("each label is somebody's");
    PlanError::Cycle {
        path: path.iter().map(|&n| nodes[n].name.clone()).collect(),
        orders: orders.into_iter().flatten().collect(),
    }
}

/// Cuts the order where a node takes the world, and where a phase ends.
fn steps(
    nodes: &mut [Node],
    sorted: &[usize],
    phases: &[usize],
    asked: &BTreeSet<(usize, usize)>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut together: Vec<usize> = Vec::new();
    for &n in sorted {
        let alone = nodes[n].is_alone();
        let other_phase = together.last().is_some_and(|&last| phases[last] != phases[n]);
        if (alone || other_phase) && !together.is_empty() {
            steps.push(Step::Together(segment(nodes, std::mem::take(&mut together), asked)));
        }
        match alone {
            true => {
                let queries = SharedQueries::new(vec![nodes[n].access.queries().clone()]);
                steps.push(Step::Alone(n, queries));
            }
            false => together.push(n),
        }
    }
    if !together.is_empty() {
        steps.push(Step::Together(segment(nodes, together, asked)));
    }
    steps
}

fn segment(nodes: &[Node], own: Vec<usize>, asked: &BTreeSet<(usize, usize)>) -> Segment {
    let queries = own.iter().map(|&n| nodes[n].access.queries().clone()).collect();
    let mut fixed = Vec::new();
    for (second, &n) in own.iter().enumerate() {
        for (first, &m) in own[..second].iter().enumerate() {
            if asked.contains(&(m, n))
                || nodes[m].access.resource_conflict(&nodes[n].access).is_some()
            {
                fixed.push((first as u32, second as u32));
            }
        }
    }
    let dependencies = Dependencies::new(own.len(), fixed);
    let commanding = own.iter().copied().filter(|&n| nodes[n].access.records_commands()).collect();
    Segment { nodes: own, queries: SharedQueries::new(queries), dependencies, commanding }
}
