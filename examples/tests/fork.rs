//! A fork goes on as the run that it was made from, and leaves it alone.

use std::sync::Arc;

use epidemic_model::cli::{Arguments, Backend};
use epidemic_model::scenario::Scenario;
use epidemic_model::simulation::{Checkpoint, Simulation};

const SIZE: &str = "epidemic --people 8000 --tick-minutes 240";

fn scenario() -> Arc<Scenario> {
    let arguments = Arguments::parse(SIZE.split_whitespace()).unwrap();
    Arc::new(Scenario::begin(&arguments.cli).unwrap())
}

fn run(simulation: &mut Simulation, ticks: usize) -> u64 {
    (0..ticks).for_each(|_| simulation.tick());
    simulation.state_hash()
}

#[test]
fn a_fork_goes_on_as_the_unbroken_run_on_either_backend() {
    let scenario = scenario();
    let mut unbroken = Simulation::new(Arc::clone(&scenario), Backend::Archetype);
    // In the middle of a day.
    let then = run(&mut unbroken, 9);
    let backends = [Backend::Archetype, Backend::Local];
    let mut forks = backends.map(|backend| unbroken.fork(Arc::clone(&scenario), backend));
    let end = run(&mut unbroken, 12);
    for fork in &mut forks {
        assert_eq!(fork.state_hash(), then, "the run has not touched it");
        assert_eq!(run(fork, 12), end);
        assert_eq!(fork.series(), unbroken.series());
    }
}

#[test]
fn a_fork_of_another_scenario_is_a_run_of_that() {
    let scenario = scenario();
    let mut unbroken = Simulation::new(Arc::clone(&scenario), Backend::Archetype);
    run(&mut unbroken, 30);
    let calm = Arc::new(Scenario::clone(&scenario).with_r0(1.0));
    let mut fork = unbroken.fork(Arc::clone(&calm), Backend::Archetype);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fork.ckpt");
    fork.save(&path).unwrap();
    run(&mut unbroken, 30);
    let end = run(&mut fork, 30);
    assert!(fork.statistics().infected < unbroken.statistics().infected);
    assert!(fork.statistics().conserved);
    // Its checkpoint goes on by its own rules.
    let checkpoint = Checkpoint::read(&path, Backend::Archetype).unwrap();
    assert_eq!(checkpoint.parameters().r0, 1.0);
    assert_eq!(run(&mut Simulation::go_on(checkpoint, calm), 30), end);
}

#[test]
#[should_panic(expected = "the same files and people")]
fn a_fork_has_the_same_people() {
    let here = Simulation::new(scenario(), Backend::Archetype);
    let mut other = Scenario::clone(&scenario());
    other.parameters.people += 1;
    let _ = here.fork(Arc::new(other), Backend::Archetype);
}
