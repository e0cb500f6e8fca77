package rollout

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

// update rewrites the golden files.
var update = os.Getenv("UPDATE_GOLDEN") != ""

// scenario is a rollout to read: its log is in testdata, and every rule of the simulation holds in it, too.
type scenario struct {
	about  string
	policy Policy
	play   func(w *world)
}

// newScenario is a world at noon in which every target runs 1.4.0, and markers are placed.
func newScenario(t *testing.T, policy Policy, targets map[string]int) *world {
	t.Helper()
	source := rand.New(rand.NewPCG(1, 1))
	policy.Namespace, policy.Name = "org-demo", "hello"
	if policy.Range == "" {
		policy.Range = ">=1.0.0 <2.0.0"
	}
	if policy.Health.Timeout == 0 {
		policy.Health.Timeout = 30 * time.Minute
	}
	if len(policy.Waves) == 0 {
		policy.Waves = []Wave{{AutoApprove: v1alpha1.ApproveAll}}
	}
	w := newWorld(t, func(_ string, n int) int { return source.IntN(n) }, policy, calm)
	w.releases = []release{{tag: "1.4.0", at: noon.Add(-time.Hour)}}
	for _, name := range sortedKeys(targets) {
		w.add(name, "1.4.0", targets[name])
	}
	w.scan()
	w.look()
	w.run(10 * time.Minute)
	w.log = nil
	return w
}

// canaryAndProduction are the targets of most scenarios.
var canaryAndProduction = map[string]int{"canary": 0, "prod-1": 1, "prod-2": 1}

func wavesOf(soak time.Duration) []Wave {
	return []Wave{{Name: "canary", Soak: soak, AutoApprove: v1alpha1.ApproveAll}, {Name: "production", AutoApprove: v1alpha1.ApproveAll}}
}

func makeSchedule(t testing.TB, of string, spec v1alpha1.Schedule) Schedule {
	t.Helper()
	parsed, err := schedule.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return Schedule{Of: of, Schedule: parsed}
}

// window is one that first comes some time after noon.
func window(name string, after, length time.Duration, recurrence string) []v1alpha1.TimeWindow {
	start := noon.Add(after)
	return []v1alpha1.TimeWindow{{Name: name, StartTime: metav1.NewTime(start), EndTime: metav1.NewTime(start.Add(length)), Recurrence: recurrence}}
}

func TestScenarios(t *testing.T) {
	for name, s := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			targets := canaryAndProduction
			if len(s.policy.Waves) < 2 {
				targets = map[string]int{"hello-1": 0, "hello-2": 0}
			}
			w := newScenario(t, s.policy, targets)
			s.play(w)
			got := []byte(s.text(name, w))
			file := filepath.Join("testdata", name+".golden.txt")
			if update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("differs from %s (set UPDATE_GOLDEN=1 to rewrite it):\n%s", file, diff)
			}
		})
	}
}

// text is the scenario to read: what it is about, what happened, and how it ended.
func (s scenario) text(name string, w *world) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", strings.ReplaceAll(name, "-", " "), strings.TrimSpace(s.about))
	for _, line := range w.log {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintf(&b, "\nGit in the end:")
	for _, m := range w.members {
		fmt.Fprintf(&b, " %s %s", m.target.Name, m.line)
	}
	fmt.Fprintf(&b, "\nHistory:\n")
	for _, e := range w.operator.ledger.History {
		wave, how, end := "", "", "running"
		if e.Wave != "" {
			wave = " in wave " + e.Wave
		}
		if e.Rollback {
			how = ", a rollback"
		}
		if e.Approved {
			how += ", approved"
		}
		if !e.End.IsZero() {
			end = e.End.Format("Mon 15:04") + " " + e.Result
		}
		fmt.Fprintf(&b, "  %s → %s%s%s, %d targets: %s to %s\n", e.From, e.To, wave, how, e.Targets, e.Start.Format("Mon 15:04"), end)
	}
	return b.String()
}
