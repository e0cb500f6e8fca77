// Package maintenance is the controller with one key per MaintenanceSchedule. It shows whether the schedule is open, and when
// that changes. What policies may do they find out from the schedule's spec: nothing depends on this status.
package maintenance
