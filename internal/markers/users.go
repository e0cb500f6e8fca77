package markers

import (
	"cmp"
	"slices"
	"strings"
)

// line is one line of the repository.
type line struct {
	file   string
	number int
}

// User is an object whose version a line sets.
type User struct {
	// Target is the object, as what builds it names it.
	Target Target
	// Kustomization applies it; zero for what only Folder builds.
	Kustomization FluxKustomization
	// Applied is set if the cluster has that Kustomization, and Remote if it
	// applies to another cluster.
	Applied, Remote bool
	// Folder is the one that is built.
	Folder string
	// Entry is the folder or the file of the repository from which the
	// Kustomization comes, or the Kustomization that applies it to another
	// cluster; empty if it is of this cluster.
	Entry string
	// Unread says why nobody can tell here whether it uses the line; empty if
	// it does.
	Unread string
}

// String names the user. Names are as the repository has them: see Brief.
func (u User) String() string {
	if u.Unread != "" {
		return u.Target.String() + " (maybe: " + brief(u.Unread) + ")"
	}
	if u.Kustomization.Name == "" {
		return u.Target.String() + " (folder " + u.Folder + ")"
	}
	of := ""
	if u.Entry != "" {
		of = " of " + u.Entry
	}
	return u.Target.String() + " (" + u.Kustomization.String() + of + ")"
}

// use is a user and how it comes to the line.
type use struct {
	User
	root  root
	trail []step
	at    Location
	// unsure is set if something above the line may set another version, or
	// nobody can tell here by which names patches can be for the object.
	unsure bool
}

// answer is what uses the lines of a field, or why that cannot be told.
type answer struct {
	uses    map[line][]use
	problem error
}

// Users lists what gets its version from the line that was located for target,
// the target itself among it, in a stable order. They are found in what the
// Kustomizations of the cluster and those of the repository build, and in the
// folders that nothing refers to. Of a variable these are all objects that use
// it, whatever for.
func (s *Survey) Users(target Target, at Location) ([]User, error) {
	uses, err := s.usesOf(target, at)
	if err != nil {
		return nil, err
	}
	users := make([]User, 0, len(uses))
	for _, u := range uses {
		users = append(users, u.User)
	}
	return sortedUsers(users), nil
}

func sortedUsers(users []User) []User {
	slices.SortFunc(users, func(a, b User) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.Folder, b.Folder))
	})
	return users
}

func (s *Survey) usesOf(target Target, at Location) ([]use, error) {
	if at.Variable != "" {
		return s.usesOfVariable(at)
	}
	uses, err := s.usesOfField(target.kind(), target.Field)
	return uses[line{at.File, at.Line}], err
}

// usesOfField finds the lines of one field of all objects of a kind.
func (s *Survey) usesOfField(kind groupKind, field []string) (map[line][]use, error) {
	key := kind.group + "/" + kind.kind + "/" + strings.Join(field, "/")
	if known, asked := s.uses[key]; asked {
		return known.uses, known.problem
	}
	uses := map[line][]use{}
	err := s.eachRoot(kind, func(r root, b *build) error {
		for _, o := range b.objects {
			top := o.lookup(field)
			top.eachLocation(func(at Location) {
				u := r.use(o, field, at)
				u.unsure = top.below != nil || o.turned
				uses[line{at.File, at.Line}] = append(uses[line{at.File, at.Line}], u)
			})
			for _, c := range o.copies {
				c.lookup(field).eachLocation(func(at Location) {
					uses[line{at.File, at.Line}] = append(uses[line{at.File, at.Line}], c.use(r))
				})
			}
		}
		return nil
	})
	if err != nil && !isProblem(err) {
		return nil, err
	}
	s.uses[key] = answer{uses, err}
	return uses, err
}

// use is that of an object which the root builds.
func (r root) use(o *object, field []string, at Location) use {
	return use{root: r, trail: o.trail, at: at, User: User{
		Target: Target{
			APIVersion: o.gvk.ApiVersion(), Kind: o.gvk.Kind, Namespace: o.namespace, Name: o.name, Field: field,
		},
		Kustomization: r.Kustomization, Applied: r.applied, Remote: r.Remote, Folder: r.Path, Entry: r.entry,
	}}
}
