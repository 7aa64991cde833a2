//! `kill -9` at random moments.

use std::{
    os::unix::process::CommandExt,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use reprise_base::{rng::streams::Stream, scalar::Seed};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{Judge, SWEEP, Scene, sweeps::one_system};

/// Kills of each system.
const KILLS: usize = 40;

#[test]
#[ignore = "minutes: ./just crash"]
fn every_system_survives_random_kills() {
    for system in ["cvae", "physical_interaction", "convlstm", "mocogan", "rcn"] {
        let started = Instant::now();
        let whole = Scene::new(&one_system(system, ""));
        whole.succeed(&SWEEP);
        let undisturbed = started.elapsed();
        let judge = Judge::new(&whole, &whole.listing(), &SWEEP);
        let mut moments = Stream::new(Seed(1), system).at(0);
        let (mut kills, mut finished) = (0, 0);
        while kills < KILLS {
            let scene = Scene { cache: whole.cache.clone(), ..Scene::new(&one_system(system, "")) };
            // Killed again and again, until it ends before its moment or is killed after its end.
            loop {
                let mut command = scene.command(&SWEEP);
                command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
                let mut child = command.spawn().unwrap();
                let moment = undisturbed.mul_f64(1.1 * moments.next_unit());
                thread::sleep(moment.max(Duration::from_millis(1)));
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
                child.wait().unwrap();
                kills += 1;
            }
            finished += 1;
            assert_eq!(judge.recover(&scene.listing()), None, "{system} after {kills} kills");
        }
        eprintln!("{system}: {kills} kills, {finished} times to the end, always the same bits");
    }
}
