package markers

import (
	"bytes"
	"encoding/json"
	"os"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/fieldmeta"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func TestMain(m *testing.M) {
	fieldmeta.SetShortHandRef(shortHand)
	openapi.SuppressBuiltInSchemaUse()
	os.Exit(m.Run())
}

// setterPass is a second opinion on what Flux does with a file, built from
// kyaml's own reader, comment parser and writer: it sets the named setters and
// returns the file as written, and how many values it set.
func setterPass(content []byte, setters map[string]string) (written []byte, set int, err error) {
	if !bytes.Contains(content, []byte(`"$imagepolicy"`)) {
		return content, 0, nil
	}
	reader := kio.ByteReader{
		Reader:            bytes.NewReader(content),
		SetAnnotations:    map[string]string{kioutil.PathAnnotation: "f.yaml"},
		PreserveSeqIndent: true,
	}
	nodes, err := reader.Read()
	if err != nil {
		return content, 0, err
	}
	schema := &spec.Schema{}
	schema.Definitions = spec.Definitions{}
	for name, value := range setters {
		s := spec.StringProperty()
		s.Extensions = spec.Extensions{"x-k8s-cli": map[string]any{"setter": map[string]any{"name": name, "value": value}}}
		schema.Definitions[fieldmeta.SetterDefinitionPrefix+name] = *s
	}
	for _, n := range nodes {
		setAll(n, schema, &set)
	}
	var out bytes.Buffer
	w := kio.ByteWriter{
		Writer:           &out,
		ClearAnnotations: []string{kioutil.PathAnnotation, kioutil.LegacyPathAnnotation},
	}
	err = w.Write(nodes)
	return out.Bytes(), set, err
}

func setAll(n *yaml.RNode, schema *spec.Schema, set *int) {
	switch n.YNode().Kind {
	case yaml.MappingNode:
		_ = n.VisitFields(func(f *yaml.MapNode) error { setAll(f.Value, schema, set); return nil })
	case yaml.SequenceNode:
		_ = n.VisitElements(func(e *yaml.RNode) error { setAll(e, schema, set); return nil })
	case yaml.ScalarNode:
		fm := fieldmeta.FieldMeta{SettersSchema: schema}
		if fm.Read(n) != nil || fm.Schema.Ref.String() == "" {
			return
		}
		s, err := openapi.Resolve(&fm.Schema.Ref, schema)
		if err != nil || s == nil {
			return
		}
		setter := s.Extensions["x-k8s-cli"].(map[string]any)["setter"].(map[string]any)
		n.YNode().Value = setter["value"].(string)
		yaml.FormatNonStringStyle(n.YNode(), *s)
		*set++
	}
}

type recordedCase struct {
	Name     string `json:"name"`
	Policies map[string]struct{ Name, Tag string }
	Before   map[string]string `json:"before"`
	After    map[string]string `json:"after"`
	Error    string            `json:"error"`
}

func recorded(t testing.TB) []recordedCase {
	t.Helper()
	data, err := os.ReadFile(path.Join("testdata", "flux-setters.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []recordedCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestScanSeesWhatFluxWrote compares Scan with recordings of Flux itself: a
// file in which Flux set the policy's tag has that marker, and no other has.
func TestScanSeesWhatFluxWrote(t *testing.T) {
	for _, tc := range recorded(t) {
		if tc.Error != "" || tc.Name == "unchanged-value" {
			continue // Flux wrote nothing for a reason that is not the marker's.
		}
		t.Run(tc.Name, func(t *testing.T) {
			repo := mapFS(tc.Before)
			seen := map[string]int{}
			err := Scan(repo, ".", func(f Found) error {
				if _, ours := tc.Policies[f.Ref.Namespace+":"+f.Ref.Policy]; ours {
					seen[f.File]++
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for name, before := range tc.Before {
				wrote := tc.After[name] != before || len(tc.After) != len(tc.Before)
				if wrote != (seen[name] > 0) {
					t.Errorf("%s: Flux wrote: %v, markers seen: %d", name, wrote, seen[name])
				}
			}
		})
	}
}

// TestPlaceAgreesWithFlux takes the marker out of each recorded file and asks
// to place it: allowed where Flux then wrote the value and only that.
func TestPlaceAgreesWithFlux(t *testing.T) {
	damaged := map[string]bool{"sibling-helm-template": true, "kind-list": true}
	// The value can be marked in these; what was recorded is another marker.
	wrongMarker := map[string]bool{
		"unknown-suffix": true, "slash-separator": true, "other-policy": true, "other-namespace": true,
		"trailing-text": true, "text-before-json": true, "comment-line-above": true,
		"unchanged-value": true, "plus-in-tag": true,
	}
	for _, tc := range recorded(t) {
		t.Run(tc.Name, func(t *testing.T) {
			for name, before := range tc.Before {
				plain := []byte(commentsOut.ReplaceAllString(before, ""))
				at, ok := firstVersion(name, plain)
				ref := Ref{Namespace: "org-acme", Policy: "nginx"}
				want := tc.After[name] != before && !damaged[tc.Name] || wrongMarker[tc.Name]
				var err error
				var placed []byte
				if ok {
					placed, err = Place(plain, at, ref)
				}
				if got := ok && err == nil; got != want {
					t.Fatalf("placed: %v (%v), want %v", got, err, want)
				}
				if want && tc.Name == "plain-scalar" {
					if diff := cmp.Diff(before, string(placed)); diff != "" {
						t.Error(diff)
					}
				}
			}
		})
	}
}
