package markers

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// mentions are what a root has variables in, by their names.
type mentions struct {
	by map[string][]use
	// unread says why there may be more; empty if all was read.
	unread string
}

// mentionedBy is what a root's objects, of any kind, have variables in. It is
// built once for all variables.
func (s *Survey) mentionedBy(i int) (mentions, error) {
	if mentioned, known := s.mentioned[i]; known {
		return mentioned, nil
	}
	mentioned, err := s.mentionsOf(s.roots[i])
	var p *Problem
	switch {
	case errors.As(err, &p) && p.Reason == TooLarge:
		return mentions{}, notSurveyed()
	case p != nil: // Flux cannot build it either, but once it can, it does
		mentioned = mentions{unread: "it cannot be built: " + p.Message}
	case err != nil:
		return mentions{}, err
	}
	s.mentioned[i] = mentioned
	return mentioned, nil
}

func (s *Survey) mentionsOf(r root) (mentions, error) {
	b := newBuilder(anyKind)
	b.steps, b.entered = s.steps, map[string]bool{}
	b.nodes = min(s.nodes, maxNodes)
	s.nodes -= b.nodes
	built, err := b.source(s.view(r.Source), r.Source)
	s.steps, s.nodes = b.steps, s.nodes+b.nodes
	if err != nil {
		return mentions{}, err
	}
	by, err := s.manifests.substitution(r.Source)
	if err != nil {
		return mentions{}, err
	}
	built.substitute(by)
	mentioned := mentions{by: map[string][]use{}}
	if len(built.notes) > 0 {
		mentioned.unread = "not all of it can be read: " + built.notes[0]
	}
	for _, o := range built.objects {
		if !o.substituted() {
			continue
		}
		for name := range o.variables() {
			mentioned.by[name] = append(mentioned.by[name], r.use(o, nil, Location{}))
		}
	}
	return mentioned, s.mentionedIn(b.entered, r, mentioned.by)
}

// mentionedIn adds the variables that the kustomization files of folders have
// in what becomes part of objects, such as a prefix of their names, and those
// that the Flux Kustomization itself has there.
func (s *Survey) mentionedIn(folders map[string]bool, r root, by map[string][]use) error {
	flux := map[string]bool{}
	addVariables(flux, r.TargetNamespace+" "+r.NamePrefix+" "+r.NameSuffix)
	for name := range flux {
		by[name] = append(by[name], r.mayUse("its names have variables"))
	}
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		k, err := s.view(r.Source).readKustomization(dir)
		if err != nil || k == nil {
			if err := ignoreProblem(err); err != nil {
				return err
			}
			continue
		}
		for name := range k.variables() {
			by[name] = append(by[name], use{root: r, User: User{
				Target: Target{Kind: "file", Name: k.file}, Kustomization: r.Kustomization, Applied: r.applied, Folder: r.Path,
			}})
		}
	}
	return nil
}

// inObjects are the parts of a kustomization file that are looked for in the
// objects which they change, and secretGenerator, whose values are encoded.
var inObjects = []string{
	"labels", "commonLabels", "commonAnnotations", "patches", "patchesStrategicMerge", "patchesJson6902", "configMapGenerator", "secretGenerator",
}

// variables are those that the file has elsewhere.
func (k *kustomization) variables() map[string]bool {
	names := map[string]bool{}
	if k.root == nil || k.root.Kind != yaml.MappingNode {
		return names
	}
	for i := 0; i+1 < len(k.root.Content); i += 2 {
		if !slices.Contains(inObjects, k.root.Content[i].Value) {
			variablesIn(names, k.root.Content[i+1])
		}
	}
	return names
}

// variableName finds variables, whatever function is applied to them.
var variableName = regexp.MustCompile(`\$\{#?([_A-Za-z][_A-Za-z0-9]*)`)

// variables are those that the object has anywhere.
func (o *object) variables() map[string]bool {
	names := map[string]bool{}
	for _, l := range o.layers {
		switch l := undoubted(l).(type) {
		case merge:
			variablesIn(names, l.root)
		case operations:
			for _, step := range l {
				addVariables(names, strings.Join(step.path, " "))
				if step.value != nil {
					variablesIn(names, step.value)
				}
			}
		case generated:
			for key, value := range l.data {
				addVariables(names, key)
				variablesIn(names, value)
			}
		}
	}
	for _, set := range []map[string]string{o.labels, o.annotations} {
		for key, value := range set {
			addVariables(names, key+" "+value)
		}
	}
	return names
}

// variablesIn adds those of all keys and values. Anchored nodes are looked at
// where they stand.
func variablesIn(names map[string]bool, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode {
		addVariables(names, node.Value)
	}
	for _, child := range node.Content {
		variablesIn(names, child)
	}
}

func addVariables(names map[string]bool, text string) {
	if !strings.Contains(text, "${") {
		return
	}
	for _, found := range variableName.FindAllStringSubmatch(text, -1) {
		names[found[1]] = true
	}
}
