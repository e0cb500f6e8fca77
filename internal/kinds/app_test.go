package kinds

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func TestExcusedApp(t *testing.T) {
	status := func(text string) func(*appv1alpha1.App) {
		return func(a *appv1alpha1.App) {
			a.Status = &appv1alpha1.AppStatus{Release: appv1alpha1.Release{Status: text}}
		}
	}
	annotation := func(key, value string) func(*appv1alpha1.App) {
		return func(a *appv1alpha1.App) { a.Annotations = map[string]string{key: value} }
	}
	for name, test := range map[string]struct {
		edit func(*appv1alpha1.App)
		want string
	}{
		"judged":         {func(*appv1alpha1.App) {}, ""},
		"failed":         {status("failed"), ""},
		"paused":         {annotation(PausedAnnotation, "true"), "paused"},
		"not paused":     {annotation(PausedAnnotation, "false"), ""},
		"cordoned until": {annotation(CordonUntilAnnotation, "2026-01-01T00:00:00"), "cordoned"},
		"cordoned for":   {annotation(CordonReasonAnnotation, "because"), "cordoned"},
		"app-operator":   {status("cordoned"), "cordoned"},
		"chart-operator": {status("CORDONED"), "cordoned"},
		"deleting":       {func(a *appv1alpha1.App) { a.DeletionTimestamp = &metav1.Time{Time: time.Unix(0, 0)} }, "deleting"},
	} {
		app := &appv1alpha1.App{}
		test.edit(app)
		if got := excusedApp(app); got != test.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestStatusOfApp knows every word that an App's release status can be.
func TestStatusOfApp(t *testing.T) {
	words := map[rollout.Trouble]string{
		rollout.TroubleLasting: "invalid-manifest validation-failed values-schema-violation",
		rollout.TroublePassing: "not-installed chart-pull-failed already-exists unknown-error app-not-found app-version-not-found " +
			"catalog-empty index-not-found configmap-merge-failed secret-merge-failed resource-not-found cordon-failed",
		"": "deployed failed pending-install pending-upgrade pending-rollback superseded uninstalling uninstalled unknown CORDONED cordoned",
	}
	for want, all := range words {
		for word := range strings.FieldsSeq(all) {
			if got := troubleOfApp(word); got != want {
				t.Errorf("%s: %q, want %q", word, got, want)
			}
		}
	}
	if got := troubleOfApp(""); got != "" {
		t.Errorf("no status: %q", got)
	}
}
