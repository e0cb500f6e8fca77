package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// BenchmarkForTarget asks the gates of 1,000 targets, all open.
func BenchmarkForTarget(b *testing.B) {
	targets := make([]TargetInput, 1000)
	for i := range targets {
		targets[i] = upgrade(func(in *TargetInput) {
			from(fmt.Sprintf("1.4.%d", i%50))(in)
			in.NeverSkip, in.Next, in.AutoApprove = v1alpha1.StepMinor, in.Tag, v1alpha1.ApproveMinor
		})
	}
	gates := ForTarget()
	b.ReportAllocs()
	for b.Loop() {
		for i := range targets {
			if holds := Evaluate(gates, targets[i]); len(holds) > 0 {
				b.Fatal(holds)
			}
		}
	}
}

// BenchmarkForWave asks the gates of 16 waves about 50 versions, all open.
func BenchmarkForWave(b *testing.B) {
	in := start(func(in *WaveInput) {
		in.MinAge, in.Running, in.Soaking = time.Hour, []string{in.Tag}, []string{in.Tag}
		in.Before = &Before{Wave: "first", Proven: true}
	})
	gates := ForWave()
	b.ReportAllocs()
	for b.Loop() {
		for range 16 * 50 {
			if holds := Evaluate(gates, in); len(holds) > 0 {
				b.Fatal(holds)
			}
		}
	}
}

// BenchmarkRollback asks what stops a rollback while one of four schedules with nights and freezes is closed.
func BenchmarkRollback(b *testing.B) {
	nights := v1alpha1.Schedule{Windows: spanning("night", 10*time.Hour, 12*time.Hour), TimeZone: "Europe/Berlin"}
	nights.Windows[0].Recurrence = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH"
	in := start(func(in *WaveInput) {
		for i := range 4 {
			in.Schedules = append(in.Schedules, blocksAll(parsed(fmt.Sprint("MaintenanceSchedule n", i), "", nights)), blocksAll(audit))
		}
	})
	b.ReportAllocs()
	for b.Loop() {
		if Rollback(in) == nil {
			b.Fatal("open")
		}
	}
}
