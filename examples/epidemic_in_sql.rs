//! An epidemic that is simulated in memory, committed to PostgreSQL day by day, and
//! analysed there in SQL.
//!
//! Components are tables, called by their names; fields are columns; the entity's id is
//! in all of them, so that a query over several components is a join.

use std::error::Error;
use std::sync::Arc;

use ecs::DurableOptions;
use ecs_postgres::PostgresOptions;
use ecs_test_postgres::{Row, Server, query};
use epidemic_model::cli::{Arguments, Backend};
use epidemic_model::scenario::Scenario;
use epidemic_model::simulation::{Simulation, Stored};

/// 20,000 people in ticks of two hours, for 24 days.
const OPTIONS: &str = "epidemic --people 20000 --first-cases 100 --tick-minutes 120";
const DAYS: u32 = 24;

/// Of whom lives in a city, who was ever infected?
const ATTACK_RATE: &str = r#"
    select city_file.name, count(*), count(*) - count(susceptible),
           round(100 * (1 - count(susceptible)::numeric / count(*)), 1)
    from "epidemic::Home" home
    join city_file on city_file.row = home.city
    left join "epidemic::Susceptible" susceptible using (entity)
    group by city_file.name order by count(*) desc limit 6"#;

/// Who is infectious where, and how many of them only visit?
const WHERE: &str = r#"
    select city_file.name, count(*), count(*) filter (where home.city <> place.value)
    from "epidemic::Infectious"
    join "epidemic::Place" place using (entity)
    join "epidemic::Home" home using (entity)
    left join "epidemic::InFlight" flight using (entity)
    join city_file on city_file.row = place.value
    where flight is null
    group by city_file.name order by count(*) desc limit 6"#;

/// How many of the infectious will still be so, some hours from now? A window adds up
/// from the last to recover.
const LEFT: &str = r#"
    select hours, left_over from (
        select 2 * (until - min(until) over ()) as hours,
               sum(count(*)) over (order by until desc) as left_over
        from "epidemic::Infectious" group by until
    ) as course
    where hours % 24 = 0 and hours <= 120 order by hours"#;

/// How many people are susceptible, exposed, infectious, recovered and in flight.
const TOTALS: &str = r#"
    select (select count(*) from "epidemic::Susceptible"), (select count(*) from "epidemic::Exposed"),
           (select count(*) from "epidemic::Infectious"), (select count(*) from "epidemic::Recovered"),
           (select count(*) from "epidemic::InFlight")"#;

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let url = server.database()?;
    let arguments = Arguments::parse(OPTIONS.split_whitespace())?;
    let scenario = Arc::new(Scenario::begin(&arguments.cli)?);

    // In memory, committed at each day's end by another thread; the tables follow at last.
    let store = PostgresOptions::new(&url).schema("epidemic").connect()?;
    let options = DurableOptions::new().rows_every(u64::MAX);
    let stored = Stored::open(store, Backend::Archetype, options)?;
    let mut run = Simulation::in_store(stored, Arc::clone(&scenario));
    for _ in 0..DAYS {
        (0..scenario.rules.calendar.ticks_per_day()).for_each(|_| run.tick());
        run.commit()?;
    }
    run.settle()?;
    run.fold()?;

    // Entities know cities by their row in the file: bring the names in beside them.
    let names = scenario.input.cities.iter().enumerate().map(|(row, city)| {
        let name = city.to_string().replace('\'', "''");
        format!("({row}, '{name}')")
    });
    let names = names.collect::<Vec<_>>().join(", ");
    ask(&url, &format!("create table city_file as values {names}"))?;
    ask(&url, "alter table city_file rename column1 to row")?;
    ask(&url, "alter table city_file rename column2 to name")?;

    println!("after {DAYS} days:");
    show(&["city", "people", "ever infected", "per cent"], &ask(&url, ATTACK_RATE)?);
    show(&["where", "infectious", "of them visitors"], &ask(&url, WHERE)?);
    show(&["in hours", "still infectious"], &ask(&url, LEFT)?);

    // SQL counts what the world's own queries count.
    let counts = run.last_day().expect("days have passed");
    let own = [counts.susceptible, counts.exposed, counts.infectious, counts.recovered];
    let own = own.into_iter().chain([counts.in_flight]).map(|count| Some(count.to_string()));
    assert_eq!(ask(&url, TOTALS)?, [own.collect::<Vec<_>>()]);
    Ok(())
}

fn ask(url: &str, sql: &str) -> Result<Vec<Row>, ecs_test_postgres::ServerError> {
    query(url, &format!("set search_path to epidemic, public; {sql}"))
}

fn show(header: &[&str], rows: &[Row]) {
    let line = |cells: Vec<&str>| {
        let (first, others) = cells.split_first().expect("a table has columns");
        print!("  {first:24}");
        others.iter().for_each(|cell| print!("{cell:>18}"));
        println!();
    };
    println!();
    line(header.to_vec());
    for row in rows {
        line(row.iter().map(|cell| cell.as_deref().unwrap_or("")).collect());
    }
}
