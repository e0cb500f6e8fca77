package policy

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
)

// A kind that the API server knows but does not list stops the policies that need it, and nothing else.
func TestUnreadableKind(t *testing.T) {
	on := cluster.ForTest(t)
	dirs, err := crds.Dirs()
	must(t, err)
	must(t, on.InstallCRDs(t.Context(), dirs...))
	refusal := &refusal{path: "/helmreleases"}
	refusal.active.Store(true)
	e := startEnvironmentOn(t, on, refusal.wrap)
	f := e.newFleet(t)

	// More policies than workers.
	for i := range 6 {
		f.policy(fmt.Sprintf("releases-%d", i), ofKind("HelmRelease", fmt.Sprintf("release-%d", i)))
	}
	f.says("releases-0", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ProgressingReason)
	f.policy("apps", nil, "one")
	f.finds("apps", "one", v1alpha1.TargetMissingReason)
	f.delete("releases-5", &v1alpha1.AppUpgradePolicy{})
	f.gone("releases-5", &v1alpha1.AppUpgradePolicy{})

	refusal.active.Store(false)
	for i := range 5 {
		f.finds(fmt.Sprintf("releases-%d", i), fmt.Sprintf("release-%d", i), v1alpha1.TargetMissingReason)
	}
	// A manager of controller-runtime 0.24 may hang when it is stopped while its queue is busy (its issue 3538).
	for i := range 5 {
		f.delete(fmt.Sprintf("releases-%d", i), &v1alpha1.AppUpgradePolicy{})
		f.gone(fmt.Sprintf("releases-%d", i), &v1alpha1.AppUpgradePolicy{})
	}
}

// refusal forbids the requests to some paths while it is active.
type refusal struct {
	path   string
	active atomic.Bool
}

func (r *refusal) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if !r.active.Load() || !strings.HasSuffix(request.URL.Path, r.path) {
			return next.RoundTrip(request)
		}
		return &http.Response{
			StatusCode: http.StatusForbidden, Status: "403 Forbidden", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: http.NoBody, Request: request,
		}, nil
	})
}
