package repository

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
)

// A branch whose newest commit can be read, but not those before it, is asked for less and less often.
func TestConcludeBacksOff(t *testing.T) {
	now := noon
	files := map[string]string{"apps.yaml": "apps: 1\n", "large.txt": strings.Repeat("large ", 1<<18)}
	r, s, branch := armable(t, files, func() time.Time { return now })
	_, err := branch.Commit(t.Context(), gitserver.Change{Message: "Remove the large file", Remove: []string{"large.txt"}})
	must(t, err)
	var pauses []time.Duration
	for range 3 {
		if err := r.conclude(t.Context(), s, batch.Conclude{ID: "b1", Automation: s.Pins[0].Automation}); !errors.Is(err, errStale) {
			t.Fatal(err)
		}
		at := r.retries.times("key")[apps]
		pauses = append(pauses, at.Sub(now))
		now = at
	}
	if diff := cmp.Diff([]time.Duration{15 * time.Second, 30 * time.Second, time.Minute}, pauses); diff != "" {
		t.Error("The pauses after each failure (-want +got):\n" + diff)
	}
}
