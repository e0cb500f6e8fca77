package automation

import (
	"errors"
	"strings"
	"testing"

	imagev1 "github.com/fluxcd/image-automation-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/setters"
)

func TestCommitMessage(t *testing.T) {
	app := setters.ObjectIdentifier{ResourceIdentifier: yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: "v1", Kind: "App"},
		NameMeta: yaml.NameMeta{Namespace: "org", Name: "one"},
	}}
	changes := setters.Result{FileChanges: map[string]setters.ObjectChanges{
		"app.yaml": {app: {{OldValue: "1.0.0", NewValue: "1.1.0", Setter: "org:pin:tag"}}},
	}}
	tests := map[string]struct {
		template    string
		want        string
		wantErr     string
		wantRemoved bool
	}{
		"default":           {want: "Update from image update automation"},
		"automation":        {template: "{{ .AutomationObject.Namespace }}/{{ .AutomationObject.Name }}", want: "org/auto"},
		"values":            {template: "{{ .Values.batch | upper }}", want: "B1"},
		"changes":           {template: "{{ range .Changed.Changes }}{{ .Setter }} {{ .OldValue }} {{ .NewValue }}{{ end }}", want: "org:pin:tag 1.0.0 1.1.0"},
		"objects":           {template: "{{ range $o, $c := .Changed.Objects }}{{ $o.Kind }} {{ $o.Namespace }}/{{ $o.Name }}{{ end }}", want: "App org/one"},
		"files":             {template: "{{ range $f, $_ := .Changed.FileChanges }}{{ $f }}{{ end }}", want: "app.yaml"},
		"removed field":     {template: "{{ .Updated.Images }}", wantErr: "Updated", wantRemoved: true},
		"removed result":    {template: "{{ .Changed.ImageResult }}", wantErr: "ImageResult", wantRemoved: true},
		"removed, not used": {template: "{{ if false }}{{ .Updated }}{{ end }}ok", want: "ok"},
		"unknown field":     {template: "{{ .Nothing }}", wantErr: "failed to run template from spec"},
		"impure function":   {template: "{{ now }}", wantErr: "unable to create commit message template from spec"},
		"not a template":    {template: "{{", wantErr: "unable to create commit message template from spec"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			auto := &imagev1.ImageUpdateAutomation{
				ObjectMeta: metav1.ObjectMeta{Namespace: "org", Name: "auto"},
				Spec: imagev1.ImageUpdateAutomationSpec{GitSpec: &imagev1.GitSpec{Commit: imagev1.CommitSpec{
					MessageTemplate:       tt.template,
					MessageTemplateValues: map[string]string{"batch": "b1"},
				}}},
			}
			got, err := commitMessage(auto, changes)
			if got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
			if errors.Is(err, errRemovedField) != tt.wantRemoved {
				t.Errorf("error %v, want a removed field: %v", err, tt.wantRemoved)
			}
		})
	}
}
