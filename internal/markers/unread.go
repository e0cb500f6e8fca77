package markers

// unread is something that may write anything, as it cannot be read here.
type unread struct{ problem *Problem }

func (u unread) apply(_ []string, before *place) *place {
	return &place{file: u.problem.File, blocked: u.problem, below: before}
}

// eachPlace visits the places that may have the value, of which all but the last
// are unread.
func (p *place) eachPlace(visit func(*place)) {
	for ; p != nil; p = p.below {
		visit(p)
	}
}

// doubtful is a layer of which nobody can tell whether it is there.
type doubtful struct {
	layer
	why *Problem
}

func (d doubtful) apply(field []string, before *place) *place {
	after := d.layer.apply(field, before)
	switch after {
	case before:
		return before
	case nil:
		after = before
	default:
		after.below = before
	}
	return unread{d.why}.apply(field, after)
}

// doubt makes the layers from one on doubtful. If there are none, those that
// there may be are not known; nor is it known which object it is if it was
// another, or whether there is one if it was removed.
func (o *object) doubt(from int, was identity, why *Problem) {
	for i, l := range o.layers[from:] {
		o.layers[from+i] = doubtful{l, why}
	}
	if from == len(o.layers) || o.identity != was || o.removed {
		o.layers = append(o.layers, unread{why})
	}
	o.removed = false
}

// undoubted is the layer itself.
func undoubted(l layer) layer {
	if d, ok := l.(doubtful); ok {
		return d.layer
	}
	return l
}

// eachLocation visits those that are in a file.
func (p *place) eachLocation(visit func(Location)) {
	p.eachPlace(func(at *place) {
		if at.file != "" {
			visit(at.location())
		}
	})
}

func setUnread(objects []*object, problem *Problem) {
	for _, o := range objects {
		o.layers = append(o.layers, unread{problem})
	}
}

// unreadPatch is one that may set anything.
func (b *builder) unreadPatch(p patch, k *kustomization, name string, err error) ([]patch, error) {
	p.unread = k.unread("the patch", name)
	return []patch{p}, b.leaveOut(name, err)
}

// addPatch adds what a patch's file, or its text, holds.
func (b *builder) addPatch(p patch, k *kustomization, name string, f *file, at source) ([]patch, error) {
	if f.refused != nil {
		return b.unreadPatch(p, k, name, f.refused)
	}
	if bad := f.unreadable(); bad != nil && bad.err != nil && f.name != "" {
		b.note(f.name, bad.err.Error())
	}
	p.add(f, at)
	return []patch{p}, nil
}

// unread is the Problem of a version which something may set that cannot be
// read.
func (k *kustomization) unread(what, name string) *Problem {
	return problem(NotMarkable, k.file, 0, "%s %s cannot be read here and may set the version; keep it in a file of this repository", what, brief(name))
}
