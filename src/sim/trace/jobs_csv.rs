//! The two published job lists of Microsoft's clusters, which know submission, run time and GPUs.
//!
//! *Philly 2017* (Jeon et al., ATC '19; CC BY 4.0), `philly_jobs.csv` or `.csv.gz`: `timestamp` (local
//! wall clock without a zone, read as it stands), `duration` (s), `num_gpus`, `gpu_time`, `cluster` (the
//! virtual cluster: our tenant). It has no nodes; the paper's machines, 552 with 2,490 GPUs of 2 and 8 a
//! server, are [`PHILLY_CLUSTER`]. *ITP 2021* (Gu et al., ASPLOS '23; MIT), `itp_jobs.csv` or `.csv.gz`:
//! `cluster` (our tenant), `job_id`, `submission_time` (s), `duration` (s), `num_gpu`. It has no nodes
//! either, and nobody published any: a cluster must be given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TraceError;
use super::gpu_jobs::GpuJob;
use super::table::{Row, Table};

/// 231 servers with eight GPUs and 321 with two: the only mix of both that makes the published 552
/// servers and 2,490 GPUs.
pub const PHILLY_CLUSTER: &str = "P100-24GB:8x231,P100-12GB:2x321";

/// Most GPUs that one job may ask for.
pub(super) const MAX_GPUS: u32 = 65_536;

/// Reads the Philly jobs in the folder `dir`.
///
/// # Errors
/// The first thing that is wrong: which line and column, what stands there, what should.
pub fn philly(dir: &Path) -> Result<Vec<GpuJob>, TraceError> {
    let columns = ["timestamp", "duration", "num_gpus", "gpu_time", "cluster"];
    let mut table = Table::open(&file(dir, "philly_jobs.csv"), &columns, &[])?;
    let mut jobs = Jobs::default();
    table.rows(|row| {
        let submit = wall_clock(row, "timestamp")?;
        jobs.add(row, submit, "num_gpus", "cluster")
    })?;
    Ok(jobs.jobs)
}

/// Reads the ITP jobs in the folder `dir`.
///
/// # Errors
/// As [`philly`].
pub fn itp(dir: &Path) -> Result<Vec<GpuJob>, TraceError> {
    let columns = [
        "cluster",
        "job_id",
        "submission_time",
        "duration",
        "num_gpu",
    ];
    let mut table = Table::open(&file(dir, "itp_jobs.csv"), &columns, &[])?;
    let mut jobs = Jobs::default();
    table.rows(|row| {
        let submit = row.seconds("submission_time")?;
        jobs.add(row, submit, "num_gpu", "cluster")
    })?;
    Ok(jobs.jobs)
}

/// The file called `name` in `dir`, or its compressed form if there is only that.
fn file(dir: &Path, name: &str) -> PathBuf {
    let (plain, packed) = (dir.join(name), dir.join(format!("{name}.gz")));
    if packed.exists() && !plain.exists() {
        packed
    } else {
        plain
    }
}

#[derive(Default)]
struct Jobs {
    jobs: Vec<GpuJob>,
    tenants: BTreeMap<String, Arc<str>>,
}

impl Jobs {
    fn add(
        &mut self,
        row: &Row<'_>,
        submit: u64,
        gpus: &str,
        tenant: &str,
    ) -> Result<(), TraceError> {
        let count = row.number(gpus, MAX_GPUS)?;
        if count == 0 {
            return Err(row.wrong(gpus, &format!("a whole number from 1 to {MAX_GPUS}")));
        }
        let name = row.get(tenant).unwrap_or("");
        let shared = match self.tenants.get(name) {
            Some(shared) => shared.clone(),
            None => {
                let shared: Arc<str> = name.into();
                self.tenants.insert(name.to_owned(), shared.clone());
                shared
            }
        };
        self.jobs.push(GpuJob {
            submit,
            duration: row.seconds("duration")?,
            gpu_milli: 1000 * u64::from(count),
            pods: 0,
            tenant: shared,
        });
        Ok(())
    }
}

/// `YYYY-MM-DD HH:MM:SS` as milliseconds since 1970, days of 24 hours.
fn wall_clock(row: &Row<'_>, column: &str) -> Result<u64, TraceError> {
    let text = row.get(column).unwrap_or("");
    let wrong = || row.wrong(column, "a time like 2017-10-09 07:01:55");
    let time = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text).map_err(|_| wrong())?;
    let origin = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let since = time.duration_since(origin).as_millis();
    u64::try_from(since).map_err(|_| wrong())
}
