package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// cleanupContext outlives the test's own, which has ended when cleanups run.
func cleanupContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// mergePatch is a JSON merge patch.
func mergePatch(format string, args ...any) client.Patch {
	return client.RawPatch(types.MergePatchType, fmt.Appendf(nil, format, args...))
}

func annotate(t *testing.T, object client.Object, key, value string) {
	t.Helper()
	must(t, env.Client.Patch(t.Context(), object, mergePatch(`{"metadata":{"annotations":{%q:%q}}}`, key, value)))
}

// everything is the selector that takes all.
var everything = &metav1.LabelSelector{}
