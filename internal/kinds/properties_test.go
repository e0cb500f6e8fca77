package kinds

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// TestVerdictsAreProven: whatever helm-controller says, a release counts as deployed only if what is wanted was installed at the
// present spec, and as failed for good only if what is wanted was tried and nobody tries it again.
func TestVerdictsAreProven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		generation := rapid.Int64Range(1, 2)
		version := rapid.SampledFrom([]string{"", "1.4.0", "1.5.0", "v1.5.0", "1.5.0+111111111111", "1.5.0+000000000000"})
		digest := rapid.SampledFrom([]string{"", newDigest, oldDigest, "1.5.0@" + newDigest})
		s := releaseState{
			generation: generation.Draw(t, "generation"), observed: generation.Draw(t, "observed"), attempted: generation.Draw(t, "attempted"),
			ready:           rapid.SampledFrom([]metav1.ConditionStatus{"", "True", "False", "Unknown"}).Draw(t, "ready"),
			readyGeneration: generation.Draw(t, "ready at"),
			reason:          rapid.SampledFrom(append([]string{"", "SourceNotReady", "StateError"}, ended...)).Draw(t, "reason"),
			stalled:         rapid.Bool().Draw(t, "stalled"), busy: rapid.Bool().Draw(t, "busy"),
			latestVersion: version.Draw(t, "latest"), latestDigest: digest.Draw(t, "latest digest"),
			latestStatus: rapid.SampledFrom([]string{"", "deployed", "failed", "superseded", "uninstalled"}).Draw(t, "latest status"),
			lastVersion:  version.Draw(t, "last"), lastDigest: digest.Draw(t, "last digest"),
		}
		w := wanted{version: "1.5.0", tag: "1.5.0", digest: rapid.SampledFrom([]string{"", newDigest}).Draw(t, "wanted digest")}
		h := s.health(w)
		target := rollout.Target{Spec: w.tag, Installed: h.installed, ReleaseStatus: h.status, Trouble: h.trouble}
		installed := s.ready == "True" && s.observed == s.generation && s.latestStatus == "deployed" && w.is(s.latestVersion, s.latestDigest)
		if got := rollout.Deployed(target); got != installed {
			t.Fatalf("deployed %v, installed %v: %+v", got, installed, h)
		}
		_, hopeless := rollout.Failing(target)
		if hopeless && (s.ready != "False" || !w.is(s.lastVersion, s.lastDigest) || s.busy && !s.stalled) {
			t.Fatalf("given up: %+v", h)
		}
	})
}
