package checks

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func TestJudge(t *testing.T) {
	cases := map[string]struct {
		object  string
		message string // empty: Current
	}{
		"a HelmRelease that is ready": {
			object: `{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {generation: 2},
                status: {observedGeneration: 2, conditions: [{type: Ready, status: "True"}]}}`,
		},
		"a HelmRelease whose controller has not seen the new spec": {
			object: `{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {generation: 3},
                status: {observedGeneration: 2, conditions: [{type: Ready, status: "True"}]}}`,
			message: "InProgress: HelmRelease generation is 3, but latest observed generation is 2",
		},
		"a Kustomization that is stalled": {
			object: `{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {generation: 1},
                status: {observedGeneration: 1, conditions: [{type: Stalled, status: "True", message: "no such path"}]}}`,
			message: "Failed: no such path",
		},
		"an object on its way out": {
			object:  `{apiVersion: v1, kind: Service, metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}}`,
			message: "Terminating: Resource scheduled for deletion",
		},
		"a Job that runs": {
			object:  `{apiVersion: batch/v1, kind: Job, status: {startTime: "2026-01-01T00:00:00Z", active: 1}}`,
			message: "InProgress: the Job is not complete",
		},
		"a Job that has not started": {
			object:  `{apiVersion: batch/v1, kind: Job}`,
			message: "InProgress: Job not started",
		},
		"a Job that is complete": {
			object: `{apiVersion: batch/v1, kind: Job, status: {startTime: "2026-01-01T00:00:00Z", succeeded: 1, conditions: [{type: Complete, status: "True"}]}}`,
		},
		"a Job that failed": {
			object:  `{apiVersion: batch/v1, kind: Job, status: {failed: 2, conditions: [{type: Failed, status: "True"}]}}`,
			message: "Failed: Job Failed. failed: 2/1",
		},
		"an App that is deployed": {
			object: `{apiVersion: application.giantswarm.io/v1alpha1, kind: App, spec: {version: v1.4.0}, status: {version: 1.4.0, release: {status: deployed}}}`,
		},
		"an App that runs the old version": {
			object:  `{apiVersion: application.giantswarm.io/v1alpha1, kind: App, spec: {version: 1.5.0}, status: {version: 1.4.0, release: {status: deployed}}}`,
			message: "InProgress: the App runs 1.4.0 and should run 1.5.0",
		},
		"an App whose release failed": {
			object:  `{apiVersion: application.giantswarm.io/v1alpha1, kind: App, spec: {version: 1.4.0}, status: {version: 1.4.0, release: {status: failed}}}`,
			message: "InProgress: the App's release is failed",
		},
		"an App that nobody has seen": {
			object:  `{apiVersion: application.giantswarm.io/v1alpha1, kind: App, spec: {version: 1.4.0}}`,
			message: "InProgress: the App has no release yet",
		},
		"conditions that are none": {
			object:  `{apiVersion: example.com/v1, kind: Widget, status: {conditions: [1]}}`,
			message: "its status cannot be understood: ",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			current, message := judge(parse(t, c.object))
			if current != (c.message == "") || current != (message == "") || !strings.HasPrefix(message, c.message) {
				t.Errorf("got %v, %q, want the message %q", current, message, c.message)
			}
		})
	}
}

func TestJudgeIsBounded(t *testing.T) {
	object := parse(t, `{apiVersion: example.com/v1, kind: Widget, status: {conditions: [{type: Ready, status: "False"}]}}`)
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	conditions[0].(map[string]any)["message"] = strings.Repeat("ä", 10_000)
	if err := unstructured.SetNestedSlice(object.Object, conditions, "status", "conditions"); err != nil {
		t.Fatal(err)
	}
	if _, message := judge(object); len(message) > maxMessage || !strings.HasSuffix(message, "ä…") {
		t.Errorf("%d bytes: %s", len(message), message)
	}
}

// FuzzJudge: whatever an object says about itself, it is either Current or there is a bounded reason.
func FuzzJudge(f *testing.F) {
	f.Add(`{"apiVersion":"apps/v1","kind":"Deployment","status":{"replicas":1}}`)
	f.Add(`{"apiVersion":"batch/v1","kind":"Job","status":{"conditions":[{"type":"Complete","status":"True"}]}}`)
	f.Add(`{"apiVersion":"application.giantswarm.io/v1alpha1","kind":"App","spec":{"version":1},"status":{"release":[]}}`)
	f.Add(`{"apiVersion":"v1","kind":"Pod","metadata":{"generation":"1"},"status":{"conditions":{}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON([]byte(text)); err != nil {
			return
		}
		current, message := judge(object)
		if current != (message == "") || len(message) > maxMessage {
			t.Errorf("%v, %q", current, message)
		}
	})
}

func TestRefuse(t *testing.T) {
	cases := map[string]struct {
		check v1alpha1.HealthCheck
		why   string
	}{
		"a Deployment":     {check: v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "Deployment", Name: "a"}},
		"a foreign Secret": {check: v1alpha1.HealthCheck{APIVersion: "example.com/v1", Kind: "Secret", Name: "a"}},
		"a Secret": {
			check: v1alpha1.HealthCheck{APIVersion: "v1", Kind: "Secret", Name: "a"},
			why:   "Secrets are not looked at: name the workload that uses it",
		},
		"a ConfigMap": {
			check: v1alpha1.HealthCheck{APIVersion: "v1", Kind: "ConfigMap", Name: "a"},
			why:   "ConfigMaps are not looked at: name the workload that uses it",
		},
		"a way out of the namespace": {
			check: v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "Deployment", Name: "../../b/deployments/c"},
			why:   `"../../b/deployments/c" can be no object's name: correct it`,
		},
		"dots":    {check: v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "Deployment", Name: ".."}, why: `".." can be no object's name: correct it`},
		"no name": {check: v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "Deployment"}, why: `"" can be no object's name: correct it`},
		"slashes": {
			check: v1alpha1.HealthCheck{APIVersion: "apps/v1/x", Kind: "Deployment", Name: "a"},
			why:   `apiVersion "apps/v1/x" and kind "Deployment" name no kind: correct them`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.why, refuse(c.check)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// failing is an API server that answers with an error.
type failing struct {
	client.Reader
	err error
}

func (f failing) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return f.err
}

func TestGetErrors(t *testing.T) {
	resource := schema.GroupResource{Group: "apps", Resource: "deployments"}
	cases := map[string]struct {
		err        error
		unreadable bool
		passes     bool
	}{
		"missing":       {err: apierrors.NewNotFound(resource, "a")},
		"forbidden":     {err: apierrors.NewForbidden(resource, "a", errors.New("no")), unreadable: true},
		"not supported": {err: apierrors.NewMethodNotSupported(resource, "get"), unreadable: true},
		"overloaded":    {err: apierrors.NewTooManyRequests("later", 1), passes: true},
		"unreachable":   {err: errors.New("connection refused"), passes: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := &Reader{live: failing{err: c.err}}
			check := v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "Deployment", Name: "a"}
			answer, err := r.get(t.Context(), "default", check, resource)
			if (err != nil) != c.passes || answer.Unreadable != c.unreadable || answer.Current {
				t.Errorf("got %+v, %v", answer, err)
			}
		})
	}
}

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = object.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return object
}
