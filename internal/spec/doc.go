// Package spec holds the one document that every front-end produces and the compiler reads: the OCI runtime-spec, plus what
// OCI lacks in one typed annotation, [Ext], printed under the key [Key].
//
// In memory the two halves stand side by side in [Doc], so that a start needs no JSON; [Doc.MarshalJSON] folds the
// annotation into the OCI document, and [Parse] takes it out again and refuses unknown keys. The package knows nothing about
// the host and checks nothing that needs it.
package spec
