//! A plan for people to read: what runs in which order, what each system waits
//! for, and what may run beside it.

use std::fmt;

use ecs_storage_api::Storage;

use super::config::Work;
use super::error::PlanError;
use super::label::Label;
use super::node::Node;
use super::plan::{Plan, Segment, Step};
use crate::system::Conflict;

/// What a run on a world will do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanDescription {
    /// The phases that have systems, in their order.
    pub phases: Vec<PhaseDescription>,
}

/// What happens in a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseDescription {
    /// The phase.
    pub label: Label,
    /// What happens, in order.
    pub steps: Vec<StepDescription>,
}

/// A system in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepDescription {
    /// The system's name.
    pub name: String,
    /// Whether it takes the world, and so runs alone, after the commands of the
    /// systems before it.
    pub alone: bool,
    /// When it runs, if it does not in every tick.
    pub when: Vec<String>,
    /// The systems that it waits for, and why; not those that one of them waits
    /// for.
    pub waits_for: Vec<(String, Why)>,
    /// The systems that may run at the same time.
    pub beside: Vec<String>,
    /// What a sub-schedule does.
    pub sub: Option<PlanDescription>,
}

/// Why one system waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It was told to.
    Asked,
    /// They conflict.
    Conflict(Conflict),
    /// The backend serves one system with queries at a time.
    Backend,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("as asked"),
            Self::Conflict(conflict) => conflict.fmt(f),
            Self::Backend => f.write_str("the backend serves one at a time"),
        }
    }
}

/// Two systems that conflict, and whose order nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ambiguity {
    /// The one that runs first.
    pub first: String,
    /// The other.
    pub second: String,
    /// What they conflict on.
    pub conflict: Conflict,
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second, conflict } = self;
        write!(f, "`{}` and `{}` conflict on {conflict}", short(first), short(second))
    }
}

impl PlanDescription {
    pub(super) fn new(
        nodes: &mut [Node],
        plan: &mut Plan,
        phases: &[Label],
        storage: &mut dyn Storage,
    ) -> Result<Self, PlanError> {
        let mut described: Vec<PhaseDescription> = Vec::new();
        for step in &mut plan.steps {
            let (phase, steps) = match step {
                Step::Alone(n, _) => {
                    let sub = match &mut nodes[*n].cell.get_mut().work {
                        Work::Sub(sub) => Some(sub.schedule().describe_on(storage)?),
                        _ => None,
                    };
                    let step = StepDescription {
                        alone: true,
                        sub,
                        ..describe(&nodes[*n], &plan.every[*n])
                    };
                    (plan.phases[*n], vec![step])
                }
                Step::Together(segment) => {
                    segment.queries.update(storage);
                    segment.dependencies.update(&segment.queries);
                    let steps = together(nodes, segment, plan.every.as_slice(), |m, n| {
                        plan.asked.contains(&(m, n))
                    });
                    (plan.phases[segment.nodes[0]], steps)
                }
            };
            match described.last_mut() {
                Some(last) if last.label == phases[phase] => last.steps.extend(steps),
                _ => described.push(PhaseDescription { label: phases[phase].clone(), steps }),
            }
        }
        Ok(Self { phases: described })
    }
}

fn describe(node: &Node, every: &[super::config::Every]) -> StepDescription {
    let mut when: Vec<_> = every.iter().map(ToString::to_string).collect();
    if node.conditional {
        when.push("if its conditions hold".to_owned());
    }
    StepDescription {
        name: node.name.clone(),
        alone: false,
        when,
        waits_for: Vec::new(),
        beside: Vec::new(),
        sub: None,
    }
}

fn together(
    nodes: &[Node],
    segment: &Segment,
    every: &[Vec<super::config::Every>],
    asked: impl Fn(usize, usize) -> bool,
) -> Vec<StepDescription> {
    let Segment { nodes: own, queries, dependencies, .. } = segment;
    let why = |first: usize, second: usize| {
        let (m, n) = (own[first], own[second]);
        if asked(m, n) {
            return Why::Asked;
        }
        let resource = nodes[m].access.resource_conflict(&nodes[n].access);
        let component = || queries.conflict_on(first, second).map(Conflict::Component);
        resource.or_else(component).map_or(Why::Backend, Why::Conflict)
    };
    let direct = |first: usize, second: usize| {
        dependencies.successors(first).contains(&(second as u32))
            && !dependencies.successors(first).iter().any(|&between| {
                between as usize != second && dependencies.ordered(between as usize, second)
            })
    };
    let step = |at: usize| {
        let node = &nodes[own[at]];
        let name = |other: usize| nodes[own[other]].name.clone();
        let before = (0..at).filter(|&first| direct(first, at));
        let free = |other: &usize| {
            *other != at
                && nodes[own[*other]].is_system()
                && !dependencies.ordered((*other).min(at), (*other).max(at))
        };
        StepDescription {
            waits_for: before.map(|first| (name(first), why(first, at))).collect(),
            beside: (0..own.len()).filter(free).map(name).collect(),
            ..describe(node, &every[own[at]])
        }
    };
    (0..own.len()).map(step).collect()
}

/// Lists the pairs that conflict although nobody asked for their order.
pub(super) fn ambiguities(nodes: &[Node], plan: &Plan) -> Vec<Ambiguity> {
    let mut found = Vec::new();
    let mut in_order: Vec<_> = (0..nodes.len()).filter(|&n| nodes[n].is_system()).collect();
    in_order.sort_unstable_by_key(|&n| plan.position[n]);
    for (at, &second) in in_order.iter().enumerate() {
        for &first in &in_order[..at] {
            let Some(conflict) = nodes[first].access.conflict_with(&nodes[second].access) else {
                continue;
            };
            if plan.phases[first] == plan.phases[second] && !asked_through(plan, first, second) {
                let name = |n: usize| nodes[n].name.clone();
                found.push(Ambiguity { first: name(first), second: name(second), conflict });
            }
        }
    }
    found
}

/// Tells whether the order of two nodes was asked for, perhaps through others.
fn asked_through(plan: &Plan, first: usize, second: usize) -> bool {
    let (mut open, mut seen) = (vec![first], vec![first]);
    while let Some(n) = open.pop() {
        for &(_, next) in plan.asked.range((n, 0)..=(n, usize::MAX)) {
            if next == second {
                return true;
            }
            if !seen.contains(&next) {
                seen.push(next);
                open.push(next);
            }
        }
    }
    false
}

/// The function's own name, of a path or of several that are piped.
fn short(path: &str) -> String {
    let own = |path: &str| {
        let generics = path.find('<').unwrap_or(path.len());
        let start = path[..generics].rfind("::").map_or(0, |at| at + 2);
        path[start..].to_owned()
    };
    path.split(" | ").map(own).collect::<Vec<_>>().join(" | ")
}

impl fmt::Display for PlanDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl PlanDescription {
    fn write(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        for phase in &self.phases {
            writeln!(f, "{:indent$}phase {}", "", phase.label)?;
            for (n, step) in phase.steps.iter().enumerate() {
                write!(f, "{:indent$}{:4}. {}", "", n + 1, short(&step.name))?;
                if step.alone {
                    f.write_str(", alone")?;
                }
                for when in &step.when {
                    write!(f, ", {when}")?;
                }
                for (n, (name, why)) in step.waits_for.iter().enumerate() {
                    let word = if n == 0 { ", after " } else { " and " };
                    write!(f, "{word}{} ({why})", short(name))?;
                }
                if !step.beside.is_empty() {
                    let names: Vec<_> = step.beside.iter().map(|name| short(name)).collect();
                    write!(f, ", beside {}", names.join(", "))?;
                }
                writeln!(f)?;
                if let Some(sub) = &step.sub {
                    sub.write(f, indent + 6)?;
                }
            }
        }
        Ok(())
    }
}
