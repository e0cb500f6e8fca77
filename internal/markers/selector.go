package markers

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	kustypes "sigs.k8s.io/kustomize/api/types"
)

// maxPattern bounds the expressions of a target, in bytes: longer ones compile
// to many times their size.
const maxPattern = 5 * maxName

// compile reads the target.
func (p *patch) compile() (err error) {
	if p.target == nil {
		return nil
	}
	if t := p.target; len(t.Group)+len(t.Version)+len(t.Kind)+len(t.Name)+len(t.Namespace) > maxPattern {
		return fmt.Errorf("it has more than %d characters", maxPattern)
	}
	if p.selector, err = kustypes.NewSelectorRegex(p.target); err != nil {
		return err
	}
	if p.labels, err = labels.Parse(p.target.LabelSelector); err != nil {
		return err
	}
	p.annotations, err = labels.Parse(p.target.AnnotationSelector)
	return err
}

// patternSteps is the work of compiling a target's expressions. One with a
// count becomes as large as if all were written out.
func patternSteps(target *kustypes.Selector) int {
	if target == nil {
		return 0
	}
	text := target.Group + target.Version + target.Kind + target.Name + target.Namespace
	steps := (len(text) + len(target.LabelSelector) + len(target.AnnotationSelector)) / 10
	if strings.Contains(text, "{") {
		steps += 200 * len(text)
	}
	return steps
}

// selects matches as kustomize does: by the original or the present name.
func (p patch) selects(o *object) bool {
	return p.selectsWithAny(o) && p.labelsFit(o)
}

// labelsFit reports whether the target fits the object's labels and annotations.
func (p patch) labelsFit(o *object) bool {
	return p.labels.Matches(labels.Set(o.labels)) && p.annotations.Matches(labels.Set(o.annotations))
}

// selectsWithAny is selects for any labels and annotations.
func (p patch) selectsWithAny(o *object) bool {
	if p.selector == nil {
		return false
	}
	re, original := p.selector, o.original()
	return re.MatchGvk(o.gvk) &&
		(re.MatchName(original.name) || re.MatchName(o.name)) &&
		(re.MatchNamespace(original.effective()) || re.MatchNamespace(o.effective()))
}

// byLabels reports whether the patch selects by labels or annotations.
func (p patch) byLabels() bool {
	return p.target != nil && p.target.LabelSelector+p.target.AnnotationSelector != ""
}
