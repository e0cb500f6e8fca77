package checks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// broken fails to read some objects, as if a webhook that converts them were gone.
type broken struct {
	client.Reader
	names map[string]bool
}

func (b broken) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	if b.names[key.Name] {
		return errors.New("conversion webhook failed")
	}
	return nil
}

// TestLastingTrouble sees an error that lasts become the answer about one object.
func TestLastingTrouble(t *testing.T) {
	kind := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(kind, meta.RESTScopeNamespace)
	clock := testclock.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	live := broken{names: map[string]bool{"bad": true}}
	reader := &Reader{live: live, mapper: mapper, waker: &waker{}, watcher: newWatcher(nil, &waker{}, clock), trouble: newTrouble(clock)}
	check := func(name string) v1alpha1.HealthCheck {
		return v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "Deployment", Name: name}
	}
	both := []v1alpha1.HealthCheck{check("good"), check("bad")}

	for range 2 {
		if _, err := reader.Read(t.Context(), "org", both); err == nil || !strings.Contains(err.Error(), "Deployment bad in namespace org") {
			t.Fatalf("at first the error is %v", err)
		}
		clock.Step(patience - time.Second)
	}
	answers, err := reader.Read(t.Context(), "org", both)
	if err != nil || len(answers) != 2 || answers[0].Unreadable {
		t.Fatalf("got %+v, %v", answers, err)
	}
	if bad := answers[1]; bad.Current || !bad.Unreadable || !strings.Contains(bad.Message, "conversion webhook failed") {
		t.Errorf("the answer is %+v", bad)
	}
	if _, err := reader.Read(t.Context(), "other", both); err == nil {
		t.Error("the object of another namespace fails for the first time, and the error is gone")
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Read(canceled, "org", both); err == nil {
		t.Error("a look that is given up has an answer")
	}

	live.names["bad"] = false
	if answers, err := reader.Read(t.Context(), "org", both); err != nil || answers[1].Unreadable {
		t.Errorf("got %+v, %v", answers, err)
	}
	live.names["bad"] = true
	if _, err := reader.Read(t.Context(), "org", both); err == nil {
		t.Error("what was well fails anew, and the error is gone")
	}
}

func TestTroubleIsForgotten(t *testing.T) {
	clock := testclock.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	trouble := newTrouble(clock)
	trouble.failed("old")
	clock.Step(forgetAfter + time.Second)
	trouble.failed("new")
	if _, kept := trouble.spans["old"]; kept || len(trouble.spans) != 1 {
		t.Errorf("remembered: %v", trouble.spans)
	}
}
