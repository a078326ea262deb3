//! What the processes below one use at this moment, from `/proc`.

use std::time::Duration;

/// Processor time, reaped children included, and resident memory of all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Use {
    pub cpu: Duration,
    pub resident: u64,
}

/// Most processes looked at: more than any limit allows.
const MOST: usize = 4096;

/// Looks at a process and all below it. What ends meanwhile is left out.
pub(super) fn of_tree(pid: i32) -> Use {
    let mut used = Use::default();
    let mut open = vec![pid];
    let mut seen = 0;
    while let Some(pid) = open.pop() {
        seen += 1;
        if seen > MOST {
            break;
        }
        add(pid, &mut used);
        let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for thread in threads.flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            open.extend(children.split_whitespace().filter_map(|c| c.parse::<i32>().ok()));
        }
    }
    used
}

fn add(pid: i32, used: &mut Use) {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return };
    // The name may hold anything, brackets too; what follows the last one are numbers (proc_pid_stat(5)).
    let Some((_, rest)) = stat.rsplit_once(')') else { return };
    let fields: Vec<u64> = rest.split_whitespace().map(|f| f.parse().unwrap_or(0)).collect();
    // utime, stime, cutime, cstime are fields 14 to 17, rss is 24; the first after the name is 3.
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
    let ticks: u64 = (14..=17).map(field).sum();
    used.cpu += Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second());
    used.resident += field(24) * rustix::param::page_size() as u64;
}
