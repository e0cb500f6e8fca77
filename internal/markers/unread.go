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

// unread is the Problem of a version which something may set that cannot be
// read.
func (k *kustomization) unread(what, name string) *Problem {
	return problem(NotMarkable, k.file, 0, "%s %s cannot be read here and may set the version; keep it in a file of this repository", what, brief(name))
}
