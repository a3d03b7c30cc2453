//! The same with tokio-postgres, as its documentation calls fastest.

use std::error::Error;
use std::pin::pin;

use futures_util::StreamExt;
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};

use crate::rows::{Position, Rows, Velocity};

/// A connection of its own.
pub(crate) struct ByHand {
    client: Client,
}

const NUMBERS: [Type; 4] = [Type::INT8, Type::FLOAT4, Type::FLOAT4, Type::FLOAT4];

impl ByHand {
    pub(crate) async fn connect(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// Loads all rows into empty tables, in one transaction.
    pub(crate) async fn load(&self, rows: &Rows) -> Result<(), Box<dyn Error>> {
        self.client.batch_execute("begin").await?;
        let ids = rows.entities.iter().map(|id| id.to_bits() as i64);
        let sink = self.client.copy_in("copy hand._entity (entity) from stdin binary").await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &NUMBERS[..1]));
        for id in ids.clone() {
            writer.as_mut().write(&[&id]).await?;
        }
        writer.finish().await?;
        let sink = self.client.copy_in("copy hand.position from stdin binary").await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &NUMBERS));
        for (n, id) in ids.clone().enumerate() {
            let Position { x, y, z } = rows.position(n);
            writer.as_mut().write(&[&id, &x, &y, &z]).await?;
        }
        writer.finish().await?;
        let sink = self.client.copy_in("copy hand.velocity from stdin binary").await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &NUMBERS));
        for (n, id) in ids.enumerate() {
            let Velocity { x, y, z } = rows.velocity(n);
            writer.as_mut().write(&[&id, &x, &y, &z]).await?;
        }
        writer.finish().await?;
        self.client.batch_execute("commit").await?;
        Ok(())
    }

    /// Writes some positions again, through a temporary table.
    pub(crate) async fn upsert(&self, rows: &Rows, round: usize) -> Result<(), Box<dyn Error>> {
        self.client
            .batch_execute("begin; create temp table delta (like hand.position) on commit drop")
            .await?;
        let sink = self.client.copy_in("copy delta from stdin binary").await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &NUMBERS));
        let (ids, values) = rows.written(round);
        for (id, Position { x, y, z }) in ids.iter().zip(values) {
            writer.as_mut().write(&[&(id.to_bits() as i64), &x, &y, &z]).await?;
        }
        writer.finish().await?;
        self.client
            .batch_execute(
                "insert into hand.position select * from delta on conflict (entity) \
                 do update set x = excluded.x, y = excluded.y, z = excluded.z; commit",
            )
            .await?;
        Ok(())
    }

    /// Reads all positions and velocities.
    pub(crate) async fn copy_out(&self, entities: usize) -> Result<(), Box<dyn Error>> {
        let copy = "copy (select entity, p.x, p.y, p.z, v.x, v.y, v.z from hand.position as p \
                    join hand.velocity as v using (entity)) to stdout binary";
        let stream = self.client.copy_out(copy).await?;
        let types = [&NUMBERS[..], &NUMBERS[1..]].concat();
        let mut stream = pin!(BinaryCopyOutStream::new(stream, &types));
        let mut found = Vec::with_capacity(entities);
        while let Some(row) = stream.next().await {
            let row = row?;
            let position = Position { x: row.get(1), y: row.get(2), z: row.get(3) };
            let velocity = Velocity { x: row.get(4), y: row.get(5), z: row.get(6) };
            found.push((row.get::<i64>(0), position, velocity));
        }
        match found.len() == entities {
            true => Ok(()),
            false => Err(format!("{} entities came", found.len()).into()),
        }
    }

    /// Lets the planner know what there is, as the server does by itself in a while.
    pub(crate) async fn analyze(&self, schemas: &[&str]) -> Result<(), tokio_postgres::Error> {
        for schema in schemas {
            let tables = ["_entity", "position", "velocity"];
            let analyze = tables.map(|table| format!("vacuum analyze {schema}.{table}"));
            for analyze in analyze {
                self.client.batch_execute(&analyze).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn drop_schemas(&self, schemas: &[&str]) -> Result<(), tokio_postgres::Error> {
        for schema in schemas {
            self.client.batch_execute(&format!("drop schema {schema} cascade")).await?;
        }
        Ok(())
    }
}
