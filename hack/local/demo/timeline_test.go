package demo

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

func TestTimeline(t *testing.T) {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	tl := newTimeline(&out)
	tl.start, tl.now = start, func() time.Time { return start.Add(12340 * time.Millisecond) }

	fmt.Fprint(tl, "building etcd...\nbuilt ")
	fmt.Fprint(tl, "etcd\n")
	tl.print(entryf(labelStep, "One"), describe(commit{
		Commit: gitserver.Commit{Hash: "0123456789", Parents: []string{"0"}, Author: "Robot <r@example.com>", Message: "Upgrade\n\nmore"},
		by:     byFlux, batch: "b1",
		lines: []line{{"apps/a.yaml", "  version: 1", "  version: 2"}, {"apps/a.yaml", "", "  x: 1"}, {"b.yaml", "gone", ""}},
	}))
	tl.color = true
	tl.print(entryf(labelDeployed, "a 2"))

	want := `  12.3s  setup         building etcd...
  12.3s  setup         built etcd

  12.3s  One
  12.3s  commit        0123456 by Flux (author Robot), batch b1: Upgrade
                       apps/a.yaml
                       -  version: 1
                       +  version: 2
                       +  x: 1
                       b.yaml
                       -gone
  12.3s  ` + "\x1b[32mdeployed    \x1b[0m" + `  a 2
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestMemoryTable(t *testing.T) {
	got, err := memoryTable(v1alpha1.AppUpgradePolicyStatus{
		Blocked: []v1alpha1.BlockedVersion{{Version: "1.1.0", Wave: "canary", Message: "1 of 1 targets failed"}},
		History: []v1alpha1.HistoryEntry{
			{From: "1.1.0", To: "1.0.0", Wave: "canary", Rollback: true, Result: v1alpha1.ResultSucceeded, Commit: "0123456789"},
			{From: "1.0.0", To: "1.1.0", Wave: "canary", Approved: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "BLOCKED   WAVE     WHY\n1.1.0     canary   1 of 1 targets failed\n\n" +
		"HISTORY    WAVE     FROM    TO      RESULT      APPROVED   COMMIT\n" +
		"rollback   canary   1.1.0   1.0.0   Succeeded   false      0123456\n" +
		"upgrade    canary   1.0.0   1.1.0               true       \n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestRender(t *testing.T) {
	table := metav1.Table{
		ColumnDefinitions: []metav1.TableColumnDefinition{{Name: "Name"}, {Name: "Wide", Priority: 1}, {Name: "State"}, {Name: "Age"}},
		Rows: []metav1.TableRow{
			{Cells: []any{"latest-stable", "w", "Held", "3s"}},
			{Cells: []any{"one", "w", nil, "10m"}},
		},
	}
	got, err := render(table)
	if err != nil {
		t.Fatal(err)
	}
	want := "NAME            STATE   AGE\nlatest-stable   Held    3s\none                     10m\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
