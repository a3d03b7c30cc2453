//! In how many stretches, and in pieces of what length, a loop that waits for memory is
//! the fastest on this machine: what `Chunk::interleaved` was settled by.

use std::time::Instant;

use clap::Parser;
use ecs_benches::{Position, Stretches, Velocity, figure, keep_memory, median};

/// Times a loop over two columns of 12 bytes a row, by hand: in order, and in short pieces
/// of several stretches in turn. All go through the same memory, one after the other.
#[derive(Parser)]
struct Arguments {
    /// How many rows the columns have.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    rows: usize,
    /// How often each is timed.
    #[arg(long, value_name = "N", default_value_t = 51)]
    rounds: usize,
    /// How many bytes one column begins behind the other; if left out, as two vectors lie.
    #[arg(long, value_name = "BYTES")]
    apart: Option<usize>,
}

/// Numbers of stretches; two columns make twice as many streams.
const COUNTS: [usize; 5] = [1, 2, 4, 8, 16];
/// Lengths of pieces, in rows; those of 4 KiB have 336.
const PIECES: [usize; 7] = [48, 80, 160, 336, 672, 1_360, 5_456];

fn main() -> Result<(), String> {
    let Arguments { rows, rounds, apart } = Arguments::parse();
    keep_memory();
    if let Some(bytes) = apart.filter(|bytes| bytes / size_of::<f32>() < rows * 3) {
        return Err(format!("columns that begin {bytes} bytes apart would overlap"));
    }
    let (mut first, mut second) = (vec![0.0f32; rows * 3], vec![0.0f32; rows * 3]);
    let (first, second) = match apart {
        None => (&mut first[..], &mut second[..]),
        Some(bytes) => {
            first.resize(bytes / size_of::<f32>() + rows * 3, 0.0);
            first.split_at_mut(bytes / size_of::<f32>())
        }
    };
    second.fill(1.0);
    let positions: &mut [Position] = bytemuck::cast_slice_mut(&mut first[..rows * 3]);
    let velocities: &[Velocity] = bytemuck::cast_slice(second);
    let ways = || COUNTS.iter().flat_map(|&count| PIECES.map(|piece| Stretches { count, piece }));
    let mut times = vec![Vec::with_capacity(rounds); ways().count()];
    for _ in 0..rounds {
        for (way, times) in ways().zip(&mut times) {
            way.add_flat(positions, velocities);
            let start = Instant::now();
            way.add_flat(std::hint::black_box(&mut *positions), velocities);
            times.push(start.elapsed().as_secs_f64() * 1e9 / rows as f64);
        }
    }
    let steps = (rounds * COUNTS.len() * PIECES.len() * 2) as f32;
    assert!(positions.iter().all(|it| it.0 == [steps; 3]), "every row is added to each time");

    println!("{rows} rows; median of {rounds}, nanoseconds a row\n");
    let kibibytes = |rows: usize| figure((rows * size_of::<Position>()) as f64 / 1024.0);
    let heads: Vec<_> = PIECES.map(|piece| format!(" {} KiB |", kibibytes(piece))).into();
    println!("| stretches |{}\n|--:|{}", heads.concat(), "--:|".repeat(PIECES.len()));
    for (count, times) in COUNTS.iter().zip(times.chunks(PIECES.len())) {
        let cells: Vec<_> =
            times.iter().map(|times| format!(" {} |", figure(median(times)))).collect();
        println!("| {count} |{}", cells.concat());
    }
    Ok(())
}
