package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// A marked line has the version of two Apps. Then a patch gives one of them a line of its own: its marker moves there before
// the next upgrade, which leaves the other App alone.
func TestMarkerFollowsToOverlay(t *testing.T) {
	const base, overlay, patch = "base/hello.yaml", "apps/dev/kustomization.yaml", "apps/dev/version.yaml"
	f := newFleet(t, map[string]string{"alone": "1.0.0"})
	plain := f.manifest("hello", "1.0.0")
	f.edit("Two overlays of one base", map[string]string{
		base: plain, "base/kustomization.yaml": "resources: [hello.yaml]\n",
		overlay: "resources: [../../base]\nnamePrefix: dev-\n", "apps/prod/kustomization.yaml": "resources: [../../base]\nnamePrefix: prod-\n",
	})
	eventually(t, "both Apps are installed", func() error { return f.bothDeployed("1.0.0") })
	startOperator(t, environment.OperatorOptions{})
	policy := f.policy("dev", ">=1.0.0", []string{"dev-hello"}, sharing)
	eventually(t, "the base is marked", func() error {
		if !strings.Contains(f.content(base), "pin.app.dev-hello:tag") {
			return errors.New("no marker")
		}
		return f.atRest()
	})

	f.edit("A line of its own", map[string]string{
		overlay: f.content(overlay) + "patches:\n- path: version.yaml\n", patch: plain,
	})
	f.release("1.1.0")
	f.scan()
	eventually(t, "the App is upgraded on its own line", func() error {
		if err := f.target("dev", "dev-hello", settled); err != nil {
			return err
		}
		if err := f.deployed("dev-hello", "1.1.0"); err != nil {
			return err
		}
		return f.atRest()
	})
	if got := f.content(base); got != plain {
		t.Errorf("the base is\n%s", got)
	}
	if got := f.content(patch); versionIn(got) != "1.1.0" || !strings.Contains(got, "pin.app.dev-hello:tag") {
		t.Errorf("the patch is\n%s", got)
	}
	must(t, f.deployed("prod-hello", "1.0.0"))
	f.onlyMarkersAndUpgrades()

	must(t, client.IgnoreNotFound(env.Client.Delete(t.Context(), policy)))
	eventually(t, "the policy is gone, and its marker with it", func() error {
		if got := f.content(patch); strings.Contains(got, "imagepolicy") {
			return fmt.Errorf("the patch is\n%s", got)
		}
		return gone(t, policy)
	})
}
