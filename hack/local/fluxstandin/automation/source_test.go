package automation

import (
	"testing"

	imagev1 "github.com/fluxcd/image-automation-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
)

func TestSetBranches(t *testing.T) {
	checkout := func(ref sourcev1.GitRepositoryRef) *imagev1.GitCheckoutSpec {
		return &imagev1.GitCheckoutSpec{Reference: ref}
	}
	push := func(branch string) *imagev1.PushSpec { return &imagev1.PushSpec{Branch: branch} }
	onMain := &sourcev1.GitRepositoryRef{Branch: "main"}
	tests := map[string]struct {
		spec         imagev1.GitSpec
		repository   *sourcev1.GitRepositoryRef
		wantCheckout string
		wantPush     string
		wantSwitch   bool
		wantErr      bool
	}{
		"the repository's branch":            {repository: onMain, wantCheckout: "main", wantPush: "main"},
		"the automation's own branch":        {spec: imagev1.GitSpec{Checkout: checkout(sourcev1.GitRepositoryRef{Branch: "next"})}, repository: onMain, wantCheckout: "next", wantPush: "next"},
		"another push branch":                {spec: imagev1.GitSpec{Push: push("proposal")}, repository: onMain, wantCheckout: "main", wantPush: "proposal", wantSwitch: true},
		"a push branch that is the same":     {spec: imagev1.GitSpec{Push: push("main")}, repository: onMain, wantCheckout: "main", wantPush: "main"},
		"no reference, default pushed":       {spec: imagev1.GitSpec{Push: push("master")}, wantPush: "master"},
		"no reference, another pushed":       {spec: imagev1.GitSpec{Push: push("main")}, wantPush: "main", wantSwitch: true},
		"no reference, no push":              {wantErr: true},
		"a tag and no push":                  {repository: &sourcev1.GitRepositoryRef{Tag: "v1"}, wantErr: true},
		"a tag, pushed to a branch":          {spec: imagev1.GitSpec{Push: push("main")}, repository: &sourcev1.GitRepositoryRef{Tag: "v1"}, wantPush: "main", wantSwitch: true},
		"a refspec needs a branch all alike": {spec: imagev1.GitSpec{Push: &imagev1.PushSpec{Refspec: "refs/heads/main:refs/heads/x"}}, wantErr: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			src := &source{}
			err := src.setBranches(&tt.spec, &sourcev1.GitRepository{Spec: sourcev1.GitRepositorySpec{Reference: tt.repository}})
			if (err != nil) != tt.wantErr {
				t.Fatalf("error %v, want one: %v", err, tt.wantErr)
			}
			if err != nil {
				return
			}
			if src.checkout.Branch != tt.wantCheckout || src.pushBranch != tt.wantPush || src.switchesBranch != tt.wantSwitch {
				t.Errorf("checks out %q, pushes to %q, switches %v; want %q, %q, %v",
					src.checkout.Branch, src.pushBranch, src.switchesBranch, tt.wantCheckout, tt.wantPush, tt.wantSwitch)
			}
		})
	}
}
