int game( void );

int main( void )
{
    return game();
}
