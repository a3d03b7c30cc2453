//! This engine's contenders of every row under criterion:
//! `cargo bench -p ecs-benches`. The binary `compare` has the peers too.

use std::time::Duration;

use criterion::{Criterion, Throughput};
use ecs_benches::compare::{Row, Size, Unit};
use ecs_benches::{keep_memory, rows};

fn bench(criterion: &mut Criterion, row: &Row) {
    let mut group = criterion.benchmark_group(row.name);
    group.throughput(Throughput::Elements(row.items as u64));
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.sample_size(30);
    for contender in row.contenders.iter().filter(|contender| contender.engine() == "ecs") {
        // Set up only if it is chosen.
        let mut workload = None;
        group.bench_function(contender.name, |bencher| {
            let workload = workload.get_or_insert_with(|| contender.set_up());
            bencher.iter_custom(|count| workload.rounds(count));
        });
    }
    group.finish();
}

fn main() {
    keep_memory();
    let mut criterion = Criterion::default().configure_from_args();
    for row in rows::rows(Size::Full).iter().filter(|row| row.unit == Unit::Nanoseconds) {
        bench(&mut criterion, row);
    }
    criterion.final_summary();
}
