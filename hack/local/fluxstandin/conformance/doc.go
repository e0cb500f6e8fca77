// Package conformance has one suite of tests for Flux's image controllers and for the stand-in, on a real API server:
// what a run does, when it starts, and what its status says afterwards.
//
// It always runs on the stand-in. If FLUX_BIN_DIR names a folder with the binaries image-reflector-controller and
// image-automation-controller, every case runs on these too, so a difference between the two is a failing test.
package conformance
