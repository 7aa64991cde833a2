//! Clock, git, toolchain and machine.
