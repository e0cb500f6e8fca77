// Package status makes a policy's status, and the events of a change of it, from what was seen and decided. It is pure:
// the same input gives the same status, so that nothing is written at rest.
package status
