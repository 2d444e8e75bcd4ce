#!/usr/bin/perl

# D9: the rooms of src/ and their order.  A file calls only rooms below its own:
#
#     the module file > src/ > handlers/ > services/ > store/ > core/
#
# The command line, src/cli/, is a program of its own: it calls core/ alone, and
# nothing calls it.
#
# A folder inside a room is of that room: store/ has one for each engine, which
# the store's interface (ngx_http_agw_store*.c) calls, and which calls neither
# the interface nor another engine.
#
# Includes are read from the sources, calls from the objects of the build.
# ngx_http_agw.h holds the types that every nginx-side room shares; what it
# includes counts for whoever includes it when cycles are looked for.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use File::Find;
use FindBin;
use Test::More;


chdir "$FindBin::Bin/.." or die "$FindBin::Bin/..: $!\n";

my $build = $ENV{AGW_BUILD} || 'build';
my $objects = $ENV{AGW_OBJECTS} || "$build/nginx";

my $module = 'ngx_http_auth_gateway_module';
my $types = 'ngx_http_agw.h';

my %level = (core => 0, store => 1, services => 2, handlers => 3, src => 4,
    cli => 6);
my $top = 5;


# Clocks, files, the environment, standard streams, logs, the end of a process.

my $impure = qr/^(?:
      time | clock(?:_\w+)? | gettimeofday | timespec_get | s?sleep | nanosleep
    | (?:local|gm)time(?:_r)? | mktime | timegm | strftime
    | open(?:at|dir)?(?:64)? | creat(?:64)? | p?(?:read|write)(?:64)?
    | f(?:d|re)?open(?:64)? | popen | mmap(?:64)? | [fl]?stat(?:64|x)?
    | (?:secure_)?(?:get|put|set|unset)env | environ
    | v?[df]?w?printf | puts | fputs | putc | fputc | putchar | fwrite | perror
    | __v?[df]?printf_chk | scanf | fscanf | gets | fgets | getchar
    | stdin | stdout | stderr | v?syslog | openlog | err | errx | warn | warnx
    | exit | _exit | _Exit | quick_exit | abort | __assert_fail | atexit
    | s?rand(?:_r)? | s?random(?:_r)? | getrandom | getentropy | RAND_\w+
    | json_load_file | json_loadfd? | json_load_callback
    | json_dump_file | json_dumpfd? | BIO_new_(?:file|fp|fd|socket)
    | ERR_print_errors(?:_fp)?
)$/x;


sub slurp {
    my ($path) = @_;

    open my $fh, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$fh>;
}


sub without_comments {
    my ($text) = @_;

    $text =~ s{/\*.*?\*/}{ }gs;
    return $text;
}


sub room_of {
    my ($path) = @_;

    return $path =~ m{^src/([^/]+)/} ? $1 : 'src';
}


# the store's engine that a file is of, or nothing

sub engine_of {
    my ($path) = @_;

    return $path =~ m{^src/store/([^/]+)/} ? $1 : '';
}


# what an engine may not need: the store's interface, and another engine

sub above_engine {
    my ($engine, $path) = @_;

    return $path =~ m{^src/store/ngx_http_agw_store} if !engine_of($path);
    return engine_of($path) ne $engine;
}


sub level_of {
    my ($path) = @_;

    return $top if basename($path) =~ /^\Q$module\E\./;
    return $level{room_of($path)};
}


# a source and its header are one unit

sub unit_of {
    my ($path) = @_;

    (my $name = basename($path)) =~ s/\.[cho]$//;
    return room_of($path) . "/$name";
}


sub none {
    my ($name, @faults) = @_;

    ok(!@faults, $name) or diag(map { "  $_\n" } sort @faults);
}


# One way round through a graph of name => { name => 1 }, or nothing.

sub cycle {
    my ($graph) = @_;

    my (%done, $visit, @path, %on);

    $visit = sub {
        my ($node) = @_;

        return () if $done{$node};
        return (@path, $node) if $on{$node};

        push @path, $node;
        $on{$node} = 1;

        for my $next (sort keys %{ $graph->{$node} || {} }) {
            my @found = $visit->($next);
            return @found if @found;
        }

        pop @path;
        delete $on{$node};
        $done{$node} = 1;

        return ();
    };

    for my $node (sort keys %$graph) {
        my @found = $visit->($node);
        next unless @found;

        shift @found while $found[0] ne $found[-1];
        return join ' > ', @found;
    }

    return;
}


# Sources

my (@files, %path_of, %text);

find({ no_chdir => 1, wanted => sub {
    return unless /\.[ch]$/;
    push @files, $_;
} }, 'src');

@files = sort @files;

for my $file (@files) {
    my $name = basename($file);

    die "two files are named $name\n" if $path_of{$name};

    $path_of{$name} = $file;
    $text{$file} = slurp($file);
}

ok(scalar @files, 'there are sources');

none('each source stands in a known room',
     grep { !defined level_of($_) } @files);

none('no file has more than 600 lines',
     map { my $lines = $text{$_} =~ tr/\n//;
           $lines > 600 ? "$_: $lines" : () } @files);


my (@upward, @handlers, @foreign, @core, @engine, @engine_headers, @command,
    %includes);

for my $file (@files) {
    my $from = basename($file);
    my $room = room_of($file);

    my $code = without_comments($text{$file});

    while ($code =~ /^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]/mg) {
        my ($quote, $name) = ($1, $2);

        my $to = $path_of{basename($name)};
        my $what = "$from includes $name";

        if (!$to) {
            push @foreign, $what if $quote eq '"';
            push @core, $what if $room eq 'core' && $name =~ /ngx_|nginx/;
            push @engine, $what if $room ne 'store'
                                   && $name =~ /sqlite|redis/;
            next;
        }

        push @foreign, "$what in <>" if $quote eq '<';
        push @foreign, $what if $name =~ /\.c$/;
        push @core, $what if $room eq 'core' && room_of($to) ne 'core';
        push @command, $what
            if $room eq 'cli' && room_of($to) !~ /^(?:cli|core)$/;

        $includes{$from}{basename($to)} = 1;

        next if basename($to) eq $types;

        push @upward, $what
            if level_of($to) > level_of($file) && $from ne $types;

        push @engine_headers, $what
            if engine_of($to) && engine_of($to) ne engine_of($file);

        push @handlers, $what
            if $room eq 'handlers' && room_of($to) eq 'handlers'
               && unit_of($file) ne unit_of($to);
    }

    push @engine, "$from names an engine"
        if $room eq 'handlers' && $code =~ /sqlite|redis/i;
}

none('no file includes a room above its own', @upward);
none('no handler includes another handler', @handlers);
none('core/ includes nothing but core/ and libraries', @core);
none('cli/ includes nothing but cli/, core/ and libraries', @command);
none('a store engine is named in store/ alone', @engine);
none("an engine's headers are included by that engine alone", @engine_headers);
none('each include is of a header, in "" where it is ours', @foreign);
none('no include cycle', cycle(\%includes));


# The shared types are types: at the outermost level, nothing with parameters
# but typedefs.

my @functions;

if (my $file = $path_of{$types}) {
    my $code = without_comments($text{$file});

    $code =~ s/^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$//mg;

    my $braces;
    $braces = qr/\{(?:[^{}]++|(??{ $braces }))*\}/;
    $code =~ s/$braces/ {} ;/g;

    @functions = map { s/^\s+|\s+$//gr }
                 grep { /\(/ && !/^\s*typedef\b/ } split /;/, $code;
}

none("$types declares no function", @functions);


# Objects

my (%object, %defines, %needs, @globals);

find({ no_chdir => 1, wanted => sub {
    return unless m{/(?:addon|cli)/([^/]+)/([^/]+)\.o$};

    # an object whose source is gone, or was moved, says nothing

    my $source = $path_of{"$2.c"};

    $object{$source} = $_ if $source && basename(dirname($source)) eq $1;
} }, grep { -d } "$objects/addon", "$build/cli/cli");

# without libcurl there is no command line

none('each source has an object in the build',
     grep { /\.c$/ && !$object{$_} }
     grep { room_of($_) ne 'cli' || -x "$build/auth-gateway" } @files);

for my $file (sort keys %object) {

    open my $nm, '-|', 'nm', '-f', 'sysv', $object{$file} or die "nm: $!\n";

    while (<$nm>) {
        my ($name, undef, $class, undef, undef, undef, $section)
            = map { s/^\s+|\s+$//gr } split /\|/;

        next unless defined $section;

        if ($class eq 'U') {
            $needs{$file}{$name} = 1;
            next;
        }

        $defines{$name} = $file if $class =~ /^[A-TVWX]$/;

        push @globals, basename($file) . ": $name"
            if room_of($file) eq 'core' && $name !~ /^(?:__|\.L|_\.?asan)/
               && $section =~ /^(?:\.bss|\.data(?!\.rel\.ro)|\.t(?:bss|data)
                                   |\*COM\*)/x;
    }

    close $nm or die "nm failed on $object{$file}\n";
}


my (@calls_up, @from_engine, @handler_calls, @engine_calls, @core_calls,
    @impure_calls, %calls);

for my $file (sort keys %needs) {
    my $room = room_of($file);

    for my $name (sort keys %{ $needs{$file} }) {
        my $what = basename($file) . " needs $name";
        my $to = $defines{$name};

        push @core_calls, $what if $room eq 'core' && $name =~ /^ngx_/;
        push @impure_calls, $what if $room eq 'core' && $name =~ $impure;

        push @engine_calls, $what
            if $room eq 'handlers' && $name =~ /sqlite|redis/i;

        next if $name eq $module || !$to;

        $what .= ' of ' . unit_of($to);

        push @calls_up, $what if level_of($to) > level_of($file);
        push @from_engine, $what
            if engine_of($file) && above_engine(engine_of($file), $to);
        push @handler_calls, $what
            if $room eq 'handlers' && room_of($to) eq 'handlers';

        $calls{unit_of($file)}{unit_of($to)} = 1;
    }
}

none('no object needs a symbol of a room above its own', @calls_up);
none("no engine needs the store's interface, or another engine", @from_engine);
none('no handler needs a symbol of another handler', @handler_calls);
none('no handler needs a symbol of a store engine', @engine_calls);
none('no two objects need each other', cycle(\%calls));
none('core/ needs no symbol of nginx', @core_calls);
none('core/ reads no clock, file, environment, and prints nothing',
     @impure_calls);
none('core/ has no variable of its own', @globals);


done_testing();
