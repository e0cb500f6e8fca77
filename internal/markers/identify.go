package markers

import "maps"

// identify applies the namespace, prefix, suffix, labels and annotations.
func (k *kustomization) identify(o *object) {
	if k.Namespace != "" {
		o.rename(identity{namespace: k.Namespace, name: o.name})
	}
	o.rename(identity{namespace: o.namespace, name: joined(k.NamePrefix, o.name)})
	o.rename(identity{namespace: o.namespace, name: joined(o.name, k.NameSuffix)})
	for _, l := range k.Labels {
		maps.Copy(o.labels, l.Pairs)
	}
	maps.Copy(o.labels, k.CommonLabels)
	maps.Copy(o.annotations, k.CommonAnnotations)
}

// joined is empty, which is nobody's name, if it would be too long for one: it
// would only grow with every kustomization.
func joined(a, b string) string {
	if len(a)+len(b) > maxName {
		return ""
	}
	return a + b
}

// identifySteps is the work of identify on one object.
func (k *kustomization) identifySteps() int {
	steps := 1 + len(k.CommonLabels) + len(k.CommonAnnotations)
	for _, l := range k.Labels {
		steps += 1 + len(l.Pairs)
	}
	if k.Namespace+k.NamePrefix+k.NameSuffix != "" {
		steps += 10 // names are remembered
	}
	return steps
}
