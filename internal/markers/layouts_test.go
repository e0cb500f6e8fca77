package markers

import (
	"errors"
	"fmt"
	"os"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func helmRelease(namespace, name string) Target {
	return Target{
		APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease",
		Namespace: namespace, Name: name, Field: []string{"spec", "chart", "spec", "version"},
	}
}

func ociRepository(namespace, name string) Target {
	return Target{
		APIVersion: "source.toolkit.fluxcd.io/v1", Kind: "OCIRepository",
		Namespace: namespace, Name: name, Field: []string{"spec", "ref", "tag"},
	}
}

// TestLayouts locates versions in repositories that are laid out as public
// ones are: testdata/layouts has one folder for each.
func TestLayouts(t *testing.T) {
	const (
		template = "giantswarm-gitops-template"
		clusters = "management-clusters/mc/organizations/acme/workload-clusters/"
		helm     = "flux2-kustomize-helm-example"
		tenants  = "flux2-multi-tenancy"
		updates  = "flux-image-updates"
	)
	alpha := Source{
		Path:          "./" + clusters + "alpha/mapi",
		Substitute:    map[string]string{"cluster_name": "alpha", "organization": "acme", "ingress_version": "3.9.2"},
		Kustomization: FluxKustomization{Namespace: "default", Name: "acme-alpha", Path: "./" + clusters + "alpha/mapi"},
	}
	beta := Source{Path: clusters + "beta/mapi", Substitute: map[string]string{"cluster_name": "beta", "organization": "acme"}}
	for name, tc := range map[string]struct {
		layout string
		source Source
		target Target
		// want is file:line value marker, and reason the Problem's.
		want, reason string
	}{
		"an App of one cluster":               {template, alpha, target("org-acme", "alpha-cert-manager"), clusters + "alpha/mapi/apps/cert-manager/appcr.yaml:10 3.8.1", ""},
		"an App of a base with a patch":       {template, alpha, target("org-acme", "alpha-simple-db"), clusters + "alpha/mapi/apps/pinned/version.yaml:7 0.9.0", ""},
		"an App whose version is a variable":  {template, alpha, target("org-acme", "alpha-ingress-nginx"), clusters + "alpha.yaml:14 3.9.2", ""},
		"an App that a stage patches inline":  {template, beta, target("org-acme", "beta-hello-world"), "bases/environments/stages/dev/hello_app_cluster/kustomization.yaml:4 3.1.0", NotMarkable},
		"a chart that an app set patches":     {template, beta, ociRepository("org-acme", "beta-hello-world"), "bases/app_sets/hello-web-app/kustomization.yaml:6 3.2.2", NotMarkable},
		"an App of another cluster":           {template, beta, target("org-acme", "alpha-hello-world"), "", NotFound},
		"a base":                              {template, Source{Path: "bases/apps/simple-db", Substitute: alpha.Substitute}, target("org-acme", "alpha-simple-db"), "bases/apps/simple-db/appcr.yaml:10 0.8.0", ""},
		"an overlay that sets the version":    {helm, Source{Path: "apps/staging"}, helmRelease("podinfo", "podinfo"), "apps/staging/podinfo-values.yaml:8 6.6.0", ""},
		"an overlay that sets other values":   {helm, Source{Path: "apps/production"}, helmRelease("podinfo", "podinfo"), "apps/base/podinfo/release.yaml:10 6.5.0", ""},
		"several kinds in a file, flow style": {helm, Source{Path: "infrastructure/controllers"}, ociRepository("cert-manager", "cert-manager"), "infrastructure/controllers/cert-manager.yaml:15 1.16.0", NotMarkable},
		"a release of a chartRef":             {helm, Source{Path: "infrastructure/controllers"}, helmRelease("cert-manager", "cert-manager"), "", NotFound},
		"a comment on the line":               {tenants, Source{Path: "dev-team/staging"}, helmRelease("apps", "podinfo"), "dev-team/staging/podinfo-values.yaml:8 6.1.0", ForeignMarker},
		"a stage without a version":           {tenants, Source{Path: "dev-team/production"}, helmRelease("apps", "podinfo"), "dev-team/base/podinfo-release.yaml:10 6.0.0", ""},
		"the platform's own repository":       {tenants, Source{Path: "tenants/staging"}, helmRelease("apps", "podinfo"), "", NotFound},
		"markers on other lines":              {updates, Source{Path: "clusters/my-cluster"}, helmRelease("default", "podinfo"), "clusters/my-cluster/podinfo/release.yaml:10 6.2.0", ""},
		"a marker on the line":                {updates, Source{Path: "clusters/my-cluster"}, ociRepository("default", "podinfo-chart"), "clusters/my-cluster/podinfo/chart.yaml:9 6.2.0 flux-system:podinfo-chart:tag", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := os.DirFS(path.Join("testdata", "layouts", tc.layout))
			got, err := Locate(files, tc.source, tc.target)
			text, reason := "", ""
			if got.File != "" {
				text = fmt.Sprintf("%s:%d %s", got.File, got.Line, got.Value)
			}
			if got.Marker != nil {
				text += " " + got.Marker.Ref.String()
			}
			var p *Problem
			if errors.As(err, &p) {
				reason = p.Reason
				t.Log(p.Message)
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tc.want, tc.reason}, []string{text, reason}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
