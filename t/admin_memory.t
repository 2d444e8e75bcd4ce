# P11.3: a new API key is shown once, and leaves no trace in the worker: the
# copy that the JSON of the response had was once freed as it was.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Admin;
use AGW::Memory qw(can_read find free_at_once);
use AGW::Skip qw(skip_all_for);

skip_all_for('memory', 'that API keys are wiped is') unless can_read();
free_at_once();

my $admin = AGW::Admin->start;
my ($worker) = $admin->nginx->workers;

# a request ends a moment after its answer

sub gone {
    my ($name, $key) = @_;

    my @found;

    for (1 .. 100) {
        @found = map { $_->[1] } find($worker, { key => $key });
        last unless @found;
        sleep 0.1;
    }

    return ok(!@found, $name) || diag(join "\n", @found) && 0;
}

is($admin->ask('PUT', 'partners/p-1', {})->status, 201, 'P11.2 a partner');

for (1 .. 8) {
    my $made = $admin->ask('POST', 'partners/p-1/keys', {})->json;

    gone('P11.3 a new key is gone with the request', $made->{api_key});

    my $rolled = $admin->ask('POST',
        "partners/p-1/keys/$made->{key_id}/roll", { grace => 60 })->json;

    gone('P11.3 so is one that takes the place of another',
        $rolled->{api_key});
}

$admin->finish;
