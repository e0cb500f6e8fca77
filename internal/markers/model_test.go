package markers

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/kustomize/api/resource"
	sigsyaml "sigs.k8s.io/yaml"
)

// clusterFolder is what the Kustomization flux-system applies: the other
// Kustomizations, and what they take variables from.
const clusterFolder = "flux"

// cluster is what Flux makes of a repository.
type cluster struct {
	// sources are its Kustomizations.
	sources []Source
	// versions are those of the Apps.
	versions map[appID]string
}

// appID is an App, and the Kustomization that applies it.
type appID struct{ by, namespace, name string }

// fluxBuild builds all that the cluster gets, with kustomize and Flux's own
// substitution. An error is one that Flux would have, too.
func fluxBuild(all files) (cluster, error) {
	made := cluster{sources: []Source{applies("flux-system", clusterFolder)}, versions: map[appID]string{}}
	result, err := kustomizeBuild(all, "/"+clusterFolder)
	if err != nil {
		return made, err
	}
	for _, object := range result.Resources() {
		if object.GetKind() != fluxKustomizationKind.kind {
			continue
		}
		src, references, err := sourceOf(object)
		if err != nil {
			return made, err
		}
		if src.Substitute, err = variablesOf(result.Resources(), src, references); err != nil {
			return made, err
		}
		if err := made.apply(all, src); err != nil {
			return made, err
		}
		src.Substitute = references.inline
		made.sources = append(made.sources, src)
	}
	return made, nil
}

// postBuild is what fluxSpec does not keep.
type postBuild struct {
	inline   map[string]string
	optional map[Reference]bool
}

// sourceOf reads a Kustomization as the cluster has it.
func sourceOf(object *resource.Resource) (Source, postBuild, error) {
	text, err := object.AsYAML()
	if err != nil {
		return Source{}, postBuild{}, err
	}
	var flux struct{ Spec fluxSpec }
	var more struct {
		Spec struct {
			PostBuild struct {
				SubstituteFrom []struct {
					Reference
					Optional bool
				}
			}
		}
	}
	if err := sigsyaml.Unmarshal(text, &flux); err != nil {
		return Source{}, postBuild{}, err
	}
	if err := sigsyaml.Unmarshal(text, &more); err != nil {
		return Source{}, postBuild{}, err
	}
	src, ok := flux.Spec.source(identity{namespace: object.GetNamespace(), name: object.GetName()})
	if !ok {
		return Source{}, postBuild{}, fmt.Errorf("no source: %s", text)
	}
	references := postBuild{inline: src.Substitute, optional: map[Reference]bool{}}
	for _, from := range more.Spec.PostBuild.SubstituteFrom {
		references.optional[from.Reference] = from.Optional
	}
	return src, references, nil
}

// variablesOf are those that a Kustomization has, from what it refers to first.
func variablesOf(objects []*resource.Resource, src Source, more postBuild) (map[string]string, error) {
	variables := map[string]string{}
	for _, from := range src.SubstituteFrom {
		data, found, err := dataOf(objects, from, src.Kustomization.Namespace)
		if err != nil {
			return nil, err
		}
		if !found && !more.optional[from] {
			return nil, fmt.Errorf("there is no %s", from)
		}
		maps.Copy(variables, data)
	}
	maps.Copy(variables, more.inline)
	return variables, nil
}

// dataOf is what a ConfigMap or Secret of the cluster has.
func dataOf(objects []*resource.Resource, from Reference, namespace string) (data map[string]string, found bool, err error) {
	for _, object := range objects {
		if object.GetKind() != from.Kind || object.GetName() != from.Name || object.GetNamespace() != namespace {
			continue
		}
		text, err := object.AsYAML()
		if err != nil {
			return nil, false, err
		}
		var read struct{ Data, StringData map[string]string }
		if err := sigsyaml.Unmarshal(text, &read); err != nil {
			return nil, false, err
		}
		if from.Kind == secretKind {
			for key, value := range read.Data {
				plain, err := base64.StdEncoding.DecodeString(value)
				if err != nil {
					return nil, false, err
				}
				read.Data[key] = string(plain)
			}
			if read.Data == nil {
				read.Data = map[string]string{}
			}
			maps.Copy(read.Data, read.StringData)
		}
		return read.Data, true, nil
	}
	return nil, false, nil
}

// apply builds what a Kustomization applies.
func (c *cluster) apply(all files, src Source) error {
	result, err := kustomizeBuild(all, "/"+src.Path)
	if err != nil {
		return err
	}
	for _, object := range result.Resources() {
		text, err := object.AsYAML()
		if err != nil {
			return err
		}
		evaluated := string(text)
		if (len(src.Substitute) > 0 || src.SubstituteAlways) && !disabled(object) {
			evaluated, err = envsubst.Eval(evaluated, func(name string) (string, bool) {
				return strings.ReplaceAll(src.Substitute[name], "\n", ""), true
			})
			if err != nil {
				return err
			}
		}
		var built struct {
			Metadata struct{ Name, Namespace string }
			Spec     struct{ Version string }
		}
		if err := sigsyaml.Unmarshal([]byte(evaluated), &built); err != nil {
			return err
		}
		if object.GetKind() == "App" && !strings.Contains(built.Metadata.Name, "$") { // no API server takes that for a name
			c.versions[appID{src.Kustomization.Name, built.Metadata.Namespace, built.Metadata.Name}] = built.Spec.Version
		}
	}
	return nil
}

// disabled reports whether Flux leaves an object's variables alone.
func disabled(object *resource.Resource) bool {
	const key = "kustomize.toolkit.fluxcd.io/substitute"
	return object.GetLabels()[key] == "disabled" || object.GetAnnotations()[key] == "disabled"
}

func (c cluster) ids() []appID {
	return slices.SortedFunc(maps.Keys(c.versions), func(a, b appID) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// misnames reports whether a user is none of the Apps: something gives it
// another name.
func (c cluster) misnames(u User) bool {
	return !slices.ContainsFunc(c.ids(), func(id appID) bool { return id.isUser(u) })
}
