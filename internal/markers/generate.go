package markers

import (
	"maps"
	"path"
	"slices"
	"strings"

	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

var configMapGroupKind = groupKind{kind: configMapKind}

// generated is the data that a configMapGenerator gives, in which Flux finds no
// marker: it would have to stand inside a value, or in a file that is no
// object.
type generated struct {
	data map[string]*yaml.Node
	// replaces is set if the data before is lost.
	replaces bool
	// unread is set if some keys are not known.
	unread  bool
	blocked *Problem
}

func (g generated) apply(field []string, before *place) *place {
	if g.replaces {
		before = nil
	}
	if len(field) == 0 || field[0] != "data" {
		return before
	}
	at := &place{file: g.blocked.File, blocked: g.blocked}
	if len(field) == 2 {
		value, ok := g.data[field[1]]
		if !ok && !g.unread {
			return before
		}
		at.site.node = value
		return at
	}
	if len(field) > 2 {
		return before
	}
	data := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range slices.Sorted(maps.Keys(g.data)) {
		data.Content = append(data.Content, yaml.NewStringRNode(key).YNode(), g.data[key])
	}
	at.site.node = data
	return at
}

// resources adds what the kustomization names and what it generates.
func (b *builder) resources(dir string, k *kustomization, objects []*object) (all []*object, err error) {
	for _, resource := range k.Resources {
		if objects, err = b.resource(dir, resource, objects); err != nil {
			return nil, err
		}
	}
	return b.generate(dir, k, objects)
}

// generate adds the ConfigMaps that the kustomization generates. One whose name
// gets a hash is nobody's reference, but it may use variables.
func (b *builder) generate(dir string, k *kustomization, objects []*object) ([]*object, error) {
	if b.kind != configMapGroupKind && b.kind != anyKind {
		return objects, nil
	}
	lines := k.lines("configMapGenerator", "")
	for i, args := range k.ConfigMapGenerator {
		if b.kind != anyKind && args.Behavior == "" && !keepsName(k.GeneratorOptions) && !keepsName(args.Options) {
			continue
		}
		g, err := b.generated(dir, k, args, lines.at(i))
		if err != nil {
			return nil, err
		}
		if objects = g.addTo(objects, k.file, args); len(objects) > maxObjects {
			return nil, problem(TooLarge, k.file, 0, "there are more than %d objects; use a smaller path", maxObjects)
		}
	}
	return objects, nil
}

func keepsName(options *kustypes.GeneratorOptions) bool {
	return options != nil && options.DisableNameSuffixHash
}

// addTo makes a ConfigMap, or changes the one that the generator means.
func (g generated) addTo(objects []*object, file string, args kustypes.ConfigMapArgs) []*object {
	id := identity{namespace: args.Namespace, name: args.Name}
	if behavior := kustypes.NewGenerationBehavior(args.Behavior); behavior == kustypes.BehaviorMerge || behavior == kustypes.BehaviorReplace {
		g.replaces = behavior == kustypes.BehaviorReplace
		for _, o := range objects {
			if o.is(configMapGroupKind) && o.known(id) {
				o.layers = append(o.layers, g)
			}
		}
		return objects
	}
	if args.Name == "" || len(args.Name) > maxName {
		return objects
	}
	return append(objects, &object{
		gvk: resid.NewGvk("", "v1", configMapKind), file: file, line: g.blocked.Line, identity: id,
		labels: map[string]string{}, annotations: map[string]string{}, layers: []layer{g},
	})
}

// generated reads the data of a generator.
func (b *builder) generated(dir string, k *kustomization, args kustypes.ConfigMapArgs, line int) (generated, error) {
	g := generated{data: map[string]*yaml.Node{}, blocked: problem(NotMarkable, k.file, line,
		"the value is given by a configMapGenerator, in which Flux ignores markers; write a ConfigMap in a file of its own and name it in resources")}
	for _, literal := range args.LiteralSources {
		g.set(literal)
	}
	if err := b.readVariables(dir, append(slices.Clone(args.EnvSources), args.EnvSource), &g); err != nil {
		return g, err
	}
	for _, source := range args.FileSources {
		key, name, named := strings.Cut(source, "=")
		if !named {
			key, name = path.Base(source), source
		}
		content, _, err := b.input(dir, name)
		if err != nil {
			return g, err
		}
		g.data[key] = yaml.NewStringRNode(content).YNode()
	}
	return g, nil
}

// readVariables reads files with a variable a line.
func (b *builder) readVariables(dir string, names []string, into *generated) error {
	for _, name := range names {
		if name == "" {
			continue
		}
		content, ok, err := b.input(dir, name)
		if err != nil {
			return err
		}
		into.unread = into.unread || !ok
		for line := range strings.Lines(content) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				into.set(line)
			}
		}
	}
	return nil
}

// set takes `key=value`, in which the value may have quotes.
func (g generated) set(pair string) {
	key, value, _ := strings.Cut(pair, "=")
	for _, quote := range []string{`"`, "'"} {
		if len(value) > 1 && strings.HasPrefix(value, quote) && strings.HasSuffix(value, quote) {
			value = value[1 : len(value)-1]
			break
		}
	}
	g.data[key] = yaml.NewStringRNode(value).YNode()
}

// input reads a generator's file; it is not ok if a user has to correct that.
func (b *builder) input(dir, name string) (content string, ok bool, err error) {
	name, err = b.resolve(dir, name)
	if err != nil {
		return "", false, b.leaveOut(name, err)
	}
	text, err := b.repo.read(name)
	if err != nil {
		return "", false, b.leaveOut(name, err)
	}
	return string(text), true, b.spend(name, 1+len(text)/bytesPerStep)
}
