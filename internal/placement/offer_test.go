package placement

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

// TestOffersAreBounded counts what the findings of a visit say of a patch. Each App of a cluster has its line with another cluster.
func TestOffersAreBounded(t *testing.T) {
	type said struct{ Shown, Omitted int }
	for name, tc := range map[string]struct {
		clusters, apps int
		// all: the Apps of all clusters are targets, and one more cluster has them.
		all  bool
		more map[string]string
		want said
	}{
		"few":                       {clusters: 2, apps: 20, want: said{Shown: 20}},
		"many of the repository":    {clusters: 2, apps: offeredOfVisit + 10, want: said{Shown: offeredOfVisit, Omitted: 10}},
		"many of a line":            {clusters: offeredOfLine + 2, apps: 2, all: true, want: said{Shown: 2 * offeredOfLine, Omitted: 4}},
		"each of which costs a lot": {clusters: 2, apps: 20, more: map[string]string{"base/huge.yaml": strings.Repeat("# padding\n", 400_000)}, want: said{Shown: 5, Omitted: 15}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			fleets["shared"](files, tc.clusters, tc.apps)
			var applied []markers.Source
			var pins []Pin
			for path, content := range tc.more {
				files[path] = content
				files["base/kustomization.yaml"] += "- " + strings.TrimPrefix(path, "base/") + "\n"
			}
			for c := range tc.clusters {
				source := kustomizationOf(fmt.Sprintf("c%d", c), clusterDir(c))
				applied = append(applied, source)
				for a := range tc.apps {
					if c == 0 || tc.all {
						pins = append(pins, pinOf(fmt.Sprintf("c%d-app-%d", c, a), appliedBy(source)))
					}
				}
			}
			if tc.all {
				files["far/kustomization.yaml"] = "resources: [../base]\nnamePrefix: far-\n"
			}
			plan, err := Make(mapFS(files), "r1", pins, known(pins), applied, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got said
			for _, m := range plan.Memories {
				switch {
				case strings.Contains(m.Finding.Message, "as shown here"):
					got.Shown++
				case strings.Contains(m.Finding.Message, "omitted here"):
					got.Omitted++
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
